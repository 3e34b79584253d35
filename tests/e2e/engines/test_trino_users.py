"""An unpatched Trino with `session=USER`: it vouches for its users with unsigned tokens, and the catalog sees persons."""

import threading
import time

import pytest
from clients import told
from engine_gate import ASSERTION_ISSUER, JWT, unsigned
from lives import short_lives
from programs import with_programs
from tenants import nessie_configuration

from stack import web
from stack.keycloak import ACCESS_TOKEN, TOKEN_EXCHANGE
from stack.tenants import TENANTS
from stack.trino import TrinoError, s3_files

pytestmark = pytest.mark.trino
CELL = pytest.mark.cell(engine="Trino 476", idp="Keycloak", catalog="Nessie")
PERSON = {"acme": "alice", "globex": "bob"}
FORBIDDEN = "org.apache.iceberg.exceptions.ForbiddenException"


@pytest.fixture
def open_catalog(trino, lake_gate, two, keycloak, namespace):
    """Opens a Trino catalog of the test's own, which has the test's name: a tenant's warehouse, by an engine's credential."""
    def open_it(tenant="acme", engine="trino", at=lake_gate, **more):
        trino.open_user_catalog(namespace, at.url, tenant, keycloak.credential(engine), s3_files(two.moto), more)
        return namespace
    return open_it


def forged(user):
    """What Trino makes for a user."""
    return unsigned({"sub": user, "iss": "476", "iat": int(time.time()), "user": user, "source": "forged",
                     "trinoCatalog": "lake", "trinoVersion": "476"})


def word(user, actor):
    """The form that Trino sends to speak for a user."""
    return {"grant_type": TOKEN_EXCHANGE, "scope": "catalog", "subject_token": forged(user), "subject_token_type": JWT,
            "actor_token": actor, "actor_token_type": ACCESS_TOKEN}


def grants(keycloak):
    """The assertions that the gate handed in. What Trino renews in the background meanwhile is not among them."""
    return keycloak.admin.events("icegate-tokens", "JWT_AUTHORIZATION_GRANT")


def committers(two, tenant, name):
    """Who made the commits that concern a namespace."""
    return [entry["committer"] for entry in two.nessie.history(tenant) if name in entry["message"]]


# -- two people, each in their own tenant -------------------------------------------------------------------------------


@CELL
@pytest.mark.parametrize("tenant", TENANTS)
def test_a_person_creates_writes_and_reads_what_they_may(tenant, open_catalog, trino, two, namespace):
    person, lake = PERSON[tenant], open_catalog(tenant)
    here = f"{lake}.{namespace}"

    trino.query(f"CREATE SCHEMA {here}", person)
    trino.query(f"CREATE TABLE {here}.t (id BIGINT)", person)
    trino.query(f"INSERT INTO {here}.t VALUES 1, 2", person)
    trino.query(f"CREATE TABLE {here}.u AS SELECT id * 10 AS id FROM {here}.t", person)
    trino.query(f"DELETE FROM {here}.t WHERE id = 1", person)

    assert trino.query(f"SELECT id FROM {here}.t", person) == [[2]]
    assert trino.query(f"SELECT id FROM {here}.u ORDER BY id", person) == [[10], [20]]
    made = committers(two, tenant, namespace)
    assert len(made) >= 5
    assert set(made) == {person}


@CELL
def test_what_trino_sends_for_a_user(open_catalog, trino, capture, namespace):
    golden = capture("trino-476")
    lake = open_catalog(at=golden)
    here = f"{lake}.{namespace}"
    with golden.step("the first query of a catalog: Trino's own account, then alice in its words"):
        trino.query(f"CREATE SCHEMA {here}", "alice")
    with golden.step("a table"):
        trino.query(f"CREATE TABLE {here}.t (id BIGINT)", "alice")
    with golden.step("a write"):
        trino.query(f"INSERT INTO {here}.t VALUES 1, 2", "alice")
    with golden.step("a read"):
        assert trino.query(f"SELECT id FROM {here}.t ORDER BY id", "alice") == [[1], [2]]
    with golden.step("another user"):
        assert trino.query(f"SELECT id FROM {here}.t ORDER BY id", "carol") == [[1], [2]]
    golden.expect()


@CELL
def test_two_users_of_one_catalog_have_each_their_own_grants(open_catalog, trino, two, namespace):
    """Alice is an engineer and carol an analyst; what carol is shown, and what her command line has with `--debug`."""
    lake = open_catalog()
    here = f"{lake}.{namespace}"
    trino.query(f"CREATE SCHEMA {here}", "alice")
    trino.query(f"CREATE TABLE {here}.t AS SELECT 1 AS id", "alice")
    head = two.nessie.head("acme")

    assert trino.run(f"SELECT id FROM {here}.t", "carol").rows == '"1"\n'
    sentence = f"carol (tenant acme) may not commit to lake/acme|acme.{namespace}.t: no grant (ref ...)"
    insert = trino.run(f"INSERT INTO {here}.t VALUES 2", "carol")
    assert insert.code == 1
    assert told(insert.errors).endswith(f"failed: Forbidden: {sentence}")
    create = trino.run(f"CREATE TABLE {here}.u AS SELECT 1 AS id", "carol")
    assert create.errors.strip().endswith("failed: Failed to create transaction")
    debug = told(trino.run(f"CREATE TABLE {here}.u AS SELECT 1 AS id", "carol", "--debug").errors)
    sentence = f"carol (tenant acme) may not create lake/acme|acme.{namespace}.u: no grant (ref ...)"
    assert f"Caused by: {FORBIDDEN}: Forbidden: {sentence}" in debug
    assert two.nessie.head("acme") == head


def test_a_person_of_another_tenant_is_held_by_their_own_border(open_catalog, trino, two):
    lake = open_catalog("acme")
    heads = [two.nessie.head(tenant) for tenant in TENANTS]
    for statement in (f"SELECT * FROM {lake}.raw.t", f"SHOW TABLES FROM {lake}.raw", f"CREATE SCHEMA {lake}.fresh"):
        with pytest.raises(TrinoError) as caught:
            trino.query(statement, "bob")
        # A `HEAD` has no body, so no sentence.
        shown = [told(each.message) for each in caught.value.causes]
        assert shown[-1] in ("Forbidden: Forbidden", "Forbidden: bob (tenant globex) may not use lake/acme|acme: "
                             "it is not within the tenant's border (ref ...)")
    assert [two.nessie.head(tenant) for tenant in TENANTS] == heads


def test_somebody_of_no_tenant_is_not_spoken_for(open_catalog, trino, lake_gate):
    lake = open_catalog()
    with pytest.raises(TrinoError) as caught:
        trino.query(f"SHOW SCHEMAS FROM {lake}", "nobody")
    assert "nobody" in str(caught.value)


# -- whose word is taken, and about whom --------------------------------------------------------------------------------


def test_an_engine_that_is_not_listed_is_refused(open_catalog, trino, lake_gate, two):
    lake = open_catalog(engine="trino-lab")
    asked = len(two.nessie.access_log())
    for user in ("alice", "service-account-trino-lab"):
        with pytest.raises(TrinoError) as caught:
            trino.query(f"SHOW SCHEMAS FROM {lake}", user)
        assert "invalid_client" in str(caught.value)
    assert len(two.nessie.access_log()) == asked


@pytest.mark.parametrize("actor", ["a user", "a user who logged in through trino", "an unlisted engine",
                                   "a listed engine that speaks for nobody", "nothing", "something unsigned"])
def test_nobody_elses_word_is_taken(actor, lake_gate, keycloak):
    tokens = {
        "a user": lambda: keycloak.user_token("mallory"),
        "a user who logged in through trino": lambda: keycloak.user_token("mallory", scope="", client="trino"),
        "an unlisted engine": lambda: keycloak.client_token("trino-lab"),
        "a listed engine that speaks for nobody": lambda: keycloak.client_token("spark"),
        "nothing": lambda: None,
        "something unsigned": lambda: forged("service-account-trino"),
    }
    token = tokens[actor]()
    keycloak.admin.clear_events()
    form = word("alice", token) if token else {**word("alice", ""), "actor_token": None}
    answer = web.post(lake_gate.token_url, form={name: value for name, value in form.items() if value is not None},
                      bearer=token)
    assert answer.status in (400, 401)
    assert answer.json()["error"] in ("invalid_client", "invalid_grant", "invalid_request", "unauthorized_client")
    assert "access_token" not in answer.json()
    assert grants(keycloak) == []


def test_the_bearer_and_the_actor_must_be_one(lake_gate, keycloak):
    engine, person = keycloak.client_token("trino"), keycloak.user_token("mallory")
    for bearer, actor in ((person, engine), (engine, person)):
        answer = web.post(lake_gate.token_url, form=word("alice", actor), bearer=bearer)
        assert answer.status in (400, 401)
        assert "access_token" not in answer.json()
    web.post(lake_gate.token_url, form=word("alice", engine), bearer=engine).expect(200)


@pytest.mark.parametrize("user", ["root", "ROOT in capitals", "service-account-trino", "service-account-spark", "alice's id",
                                  "the id of trino's account", "nobody-at-all"])
def test_for_whom_nobody_may_speak(user, open_catalog, trino, lake_gate, keycloak, two):
    """All of them in the realm and linked, but for the last ones: it is the gate that says no."""
    names = {"ROOT in capitals": "ROOT", "alice's id": keycloak.admin.user_id("alice"), "the id of trino's account": keycloak.realm.service_account("trino")}
    name, lake = names.get(user, user), open_catalog()
    linked = name.startswith("service-account-")
    if linked:
        keycloak.admin.link(name, name)
    try:
        asked = len(two.nessie.access_log())
        shown = trino.run(f"SHOW SCHEMAS FROM {lake}", name, "--debug")
        assert shown.code == 1
        assert "Caused by: org.apache.iceberg.exceptions.BadRequestException: Malformed request: invalid_grant: " in shown.errors
        whom = {line.user for line in two.nessie.access_log()[asked:]}
        assert whom <= {"service-account-trino"}
    finally:
        if linked:
            keycloak.admin.unlink(name)


PATHS = (("GET", "/config?warehouse=acme"), ("GET", "/acme%7Cacme/namespaces"), ("POST", "/acme%7Cacme/namespaces"),
         ("GET", "/acme%7Cacme/namespaces/raw/tables/t"), ("POST", "/acme%7Cacme/namespaces/raw/tables/t"),
         ("POST", "/acme%7Cacme/tables/rename"), ("DELETE", "/acme%7Cacme/namespaces/raw"))


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_an_unsigned_token_opens_nothing(method, path, lake_gate, keycloak, two):
    keycloak.admin.clear_events()
    asked = len(two.nessie.access_log())
    answer = web.request(method, f"{lake_gate.url}/v1{path}", bearer=forged("alice"), json_body={} if method == "POST" else None)
    assert answer.status == 401
    assert grants(keycloak) == keycloak.admin.events("icegate") == []
    assert len(two.nessie.access_log()) == asked


# -- the user's own token -----------------------------------------------------------------------------------------------


@CELL
def test_a_users_own_token_goes_through_as_it_is(open_catalog, trino, keycloak, two, capture, namespace):
    golden = capture("trino-476-own-token")
    lake = open_catalog(at=golden)
    with golden.step("the first query, with the extra credential `token`"):
        done = trino.run(f"CREATE SCHEMA {lake}.{namespace}", "alice", "--extra-credential",
                         f"token={keycloak.user_token('alice')}")
    assert done.code == 0, done.errors
    golden.expect()
    assert set(committers(two, "acme", namespace)) == {"alice"}


@CELL
def test_a_users_own_token_by_its_full_name_is_exchanged(open_catalog, trino, keycloak, two, lake_gate, capture, namespace):
    golden = capture("trino-476-exchanged-token")
    lake = open_catalog(at=golden)
    with golden.step("the first query of Trino's Python client, with the extra credential `urn:...:access_token`"):
        cursor = trino.connect("alice", lake, {ACCESS_TOKEN: keycloak.user_token("alice")}).cursor()
        cursor.execute(f"CREATE SCHEMA {namespace}").fetchall()
    golden.expect()
    assert set(committers(two, "acme", namespace)) == {"alice"}


def test_an_expired_token_of_a_user_never_becomes_the_engines(open_catalog, trino, keycloak, two):
    """Trino tries to have it renewed with its own credential, and is refused; nothing is asked as Trino."""
    expired = keycloak.user_token("alice", client="engine-short")
    lake = open_catalog()
    trino.query(f"SHOW SCHEMAS FROM {lake}", "alice", source="before")
    time.sleep(6)
    asked = len(two.nessie.access_log())
    with pytest.raises(TrinoError) as caught:
        trino.query(f"SHOW SCHEMAS FROM {lake}", "alice", token=expired, source="with-expired")
    assert "expired" in str(caught.value)
    assert two.nessie.access_log()[asked:] == []


# -- tokens end ---------------------------------------------------------------------------------------------------------


def test_a_write_that_outlives_its_token_ends_well(open_catalog, trino, two, keycloak, lake_gate, namespace):
    """The storage stands still until the tokens have ended; Trino has them renewed meanwhile.

    Trino 476 begins to renew a user's token when its own is about to end, so its own must not live longer.
    """
    with short_lives(keycloak, "trino", seconds=12):
        lake = open_catalog()
        assert slow_copy(trino, two, lake, namespace, "erin", 26) is None
        assert trino.query(f"SELECT count(*) FROM {lake}.{namespace}.big", "erin") == [[1000]]
    assert set(committers(two, "acme", namespace)) == {"erin"}


def test_a_write_that_cannot_renew_its_token_commits_nothing(open_catalog, trino, two, keycloak, namespace):
    with short_lives(keycloak, "trino", seconds=12):
        lake = open_catalog(**{"oauth2.token-refresh-enabled": "false"})
        problem = slow_copy(trino, two, lake, namespace, "frank", 26)
    assert told(problem.message).startswith("Not authorized: the token of frank expired ")
    assert (namespace, "big") not in two.nessie.entries("acme")


def slow_copy(trino, two, lake, namespace, person, seconds):
    """A copy whose files the storage takes so late; the error, if there is one.

    It must be somebody of whom the gate has no token yet: it gives the same one for as long as it lives.
    """
    ended = []

    def copy():
        try:
            trino.query(f"CREATE TABLE {lake}.{namespace}.big AS SELECT n FROM UNNEST(sequence(1, 1000)) AS s (n)", person)
            ended.append(None)
        except TrinoError as problem:
            ended.append(problem)

    trino.query(f"CREATE SCHEMA {lake}.{namespace}", person)
    two.moto.pause()
    thread = threading.Thread(target=copy)
    thread.start()
    time.sleep(seconds)
    two.moto.resume()
    thread.join(120)
    return ended[0]


def test_many_queries_of_a_few_users_cost_a_few_grants(watched, trino, two, keycloak, namespace):
    """Each source is a session of its own, which Trino gets a token for; the gate asks once per user and worker."""
    users = ("alice", "mallory", "carol", "dave")
    with watched(catalog=two.nessie.port, change=with_programs(nessie_configuration(), keycloak)) as fresh:
        trino.open_user_catalog(namespace, fresh.url, "acme", keycloak.credential("trino"), s3_files(two.moto))
        keycloak.admin.clear_events()
        for number in range(5):
            for user in users:
                trino.query(f"SHOW SCHEMAS FROM {namespace}", user, source=f"source-{number}")
        assert len(fresh.token_requests()) >= 5 * len(users)
        assert len(users) <= len(grants(keycloak)) <= 2 * len(users)


# -- without users ------------------------------------------------------------------------------------------------------


def open_for_nobody(trino, gate, two, name, credential):
    """A Trino catalog with `session=NONE`: all queries are the engine's own."""
    trino.open_catalog(name, {
        "uri": gate.url, "warehouse": "acme", "security": "OAUTH2", "session": "NONE",
        "oauth2.credential": ":".join(credential), "oauth2.server-uri": gate.token_url}, s3_files(two.moto))


def test_an_engine_cannot_go_on_as_its_own_account(trino, lake_gate, two, keycloak, namespace):
    """What Trino 483 does by itself when a user's token has ended and token exchange is off (Iceberg's issue 17600)."""
    open_for_nobody(trino, lake_gate, two, namespace, keycloak.credential("trino"))
    head = two.nessie.head("acme")
    for statement in (f"SHOW SCHEMAS FROM {namespace}", f"SELECT * FROM {namespace}.raw.t", f"CREATE SCHEMA {namespace}.fresh"):
        with pytest.raises(TrinoError) as caught:
            trino.query(statement, "alice")
        assert "Forbidden: program trino " in str(caught.value)
        assert "the person's token has expired and the engine has gone on as its own account: sign in again" in str(caught.value)
    assert two.nessie.head("acme") == head


def test_an_engine_that_logs_in_for_each_operation_costs_a_few_logins(watched, trino, two, keycloak, namespace):
    with watched(catalog=two.nessie.port, change=with_programs(nessie_configuration(), keycloak)) as fresh:
        open_for_nobody(trino, fresh, two, namespace, keycloak.credential("pyiceberg"))
        keycloak.admin.clear_events()
        for _ in range(6):
            assert trino.query(f"SELECT count(*) FROM {namespace}.raw.t", "alice") == [[0]]
        assert len(fresh.token_requests()) >= 12
        assert 1 <= len(keycloak.admin.events("pyiceberg")) <= 2


# -- views --------------------------------------------------------------------------------------------------------------


def test_as_whom_a_view_reads(open_catalog, trino, two, lake_gate, namespace):
    """A view runs as its owner unless it says otherwise; which name reaches the gate is what is asked with."""
    lake = open_catalog()
    here = f"{lake}.{namespace}"
    trino.query(f"CREATE SCHEMA {here}", "alice")
    trino.query(f"CREATE TABLE {here}.t AS SELECT 1 AS id", "alice")
    trino.query(f"CREATE VIEW {here}.invoker SECURITY INVOKER AS SELECT id FROM {here}.t", "alice")
    trino.query(f"CREATE VIEW {here}.definer SECURITY DEFINER AS SELECT id FROM {here}.t", "alice")
    users = {}
    for view in ("invoker", "definer"):
        asked = len(two.nessie.access_log())
        assert trino.query(f"SELECT id FROM {here}.{view}", "carol") == [[1]]
        users[view] = {line.user for line in two.nessie.access_log()[asked:] if "/tables/t" in line.path}
    assert users == {"invoker": {"carol"}, "definer": {"alice"}}


def test_the_issuer_of_assertions_is_the_realms(keycloak):
    """So that Keycloak knows the gate: the tests' configuration and the realm file say the same."""
    (provider,) = keycloak.realm.content["identityProviders"]
    assert provider["config"]["issuer"] == ASSERTION_ISSUER
