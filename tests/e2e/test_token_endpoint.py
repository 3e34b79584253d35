"""The token endpoint in front of a real Keycloak: logins, engines' words, exchanges and refreshes."""

import time

import pytest
from engine_gate import JWKS_PATH, Engine, believe, configuration, edit, issued, refused, service, unsigned, variables
from gate import NAMESPACES, until

from stack import web
from stack.keycloak import claims


@pytest.fixture(scope="module")
def gate(gates, keycloak, nessie, canaries):
    """Trino may speak for people, Spark may read and write, Java is bound to a certificate; PyIceberg is not listed."""
    spiffe = service(keycloak, "java", ["config"])
    spiffe["who"]["peer"] = "spiffe://lake.test/java"
    services = {
        "trino": service(keycloak, "trino", ["config"], speaks_for={
            "by": "assertion", "never": ["root"],
            "who": [{"claim": "groups", "has": "/t/acme"}, {"claim": "groups", "has": "/t/globex"}]}),
        "spark": service(keycloak, "spark", ["config", "read", "write", "commit"]),
        "java": spiffe,
    }
    change = configuration(keycloak, services)
    with gates(catalog=nessie.port, change=change, edit=edit, variables=variables(keycloak, canaries)) as started:
        believe(keycloak, started)
        yield started


@pytest.fixture(scope="module")
def engine(gate, keycloak):
    """Engines by their client."""
    return lambda client: Engine(gate, *keycloak.credential(client))


def test_the_gates_keys_are_served(gate):
    answer = web.get(f"http://127.0.0.1:{gate.port}{JWKS_PATH}").expect(200)
    (key,) = answer.json()["keys"]
    assert {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k1"}.items() <= key.items()
    assert set(key) == {"kty", "crv", "alg", "use", "kid", "x", "y"}


def test_a_program_logs_in(gate, engine, keycloak):
    said = claims(engine("spark").token())
    assert (said["azp"], said["sub"]) == ("spark", keycloak.realm.service_account("spark"))
    assert "icegate" in said["aud"] and "catalog" not in said["aud"]
    # As DuckDB does it.
    token = issued(engine("spark").ask({"grant_type": "client_credentials", "scope": "PRINCIPAL_ROLE:ALL"},
                                       basic=keycloak.credential("spark")))
    assert gate.ask("GET", "/iceberg/v1/config", token=token).status == 200
    # Nessie's own no: its rules are for people.
    assert "'service-account-spark'" in gate.ask("GET", NAMESPACES, token=token).text()


def test_a_login_is_remembered(engine, gate):
    before = gate.count_so_far("icegate_grants.issuer.corp.outcome.minted")
    tokens = {engine("trino").token() for _ in range(20)}
    assert len(tokens) <= 2
    assert gate.count_so_far("icegate_grants.issuer.corp.outcome.minted") - before <= 2


@pytest.mark.parametrize("client, secret", [
    ("spark", "wrong"), ("nobody", "wrong"), ("icegate", "icegate-secret"), ("pyiceberg", "pyiceberg-secret"),
    ("icegate-tokens", "icegate-tokens-secret"), ("java", "java-secret"),
])
def test_all_failures_of_a_client_are_one(gate, client, secret):
    answer = Engine(gate, client, secret).login()
    assert refused(answer, 401, "invalid_client") == \
        "the client is not known, its secret is wrong, or it may not log in at this gate (services)"
    assert answer.headers.get_all("www-authenticate") == ['Basic realm="icegate"']


def test_an_engine_speaks_for_a_person(gate, engine, keycloak):
    token = issued(engine("trino").word("alice"))
    said = claims(token)
    assert (said["preferred_username"], said["azp"]) == ("alice", "icegate-tokens")
    assert "icegate" in said["aud"] and "catalog" not in said["aud"]
    assert said["sub"] == claims(keycloak.user_token("alice"))["sub"]
    assert gate.ask("GET", NAMESPACES, token=token).status == 200


def test_many_queries_of_a_few_people_cost_a_few_grants(gate, engine):
    before = gate.count_so_far("icegate_grants.issuer.corp.outcome.minted")
    trino = engine("trino")
    for number in range(100):
        issued(trino.word("alice" if number % 2 else "bob", iat=1_700_000_000 + number))
    # Two people and Trino itself, on two workers.
    assert gate.count_so_far("icegate_grants.issuer.corp.outcome.minted") - before <= 6


@pytest.mark.parametrize("user", ["root", "ROOT", "nobody", "service-account-spark", "", "al ice", "alice@gate"])
def test_names_that_are_not_said(engine, user):
    refused(engine("trino").word(user), 400, "invalid_grant")


def test_an_id_is_no_name(engine, keycloak):
    refused(engine("trino").word(claims(keycloak.user_token("alice"))["sub"]), 400, "invalid_grant")


def test_only_an_engine_that_may_speak_is_believed(engine, keycloak):
    trino, spark = engine("trino"), engine("spark")
    assert "speaks_for" in refused(spark.word("alice"), 400, "unauthorized_client")
    stolen = keycloak.user_token("bob")
    assert "a person's" in refused(trino.word("alice", actor=stolen), 400, "unauthorized_client")
    unlisted = keycloak.client_token("pyiceberg")
    refused(trino.word("alice", actor=unlisted), 400, "unauthorized_client")
    # The engine's own token must stand in both places.
    refused(trino.word("alice", bearer=stolen), 400, "invalid_request")
    forged = unsigned(claims(trino.token()))
    refused(trino.word("alice", actor=forged), 400, "invalid_grant")


def test_an_unsigned_token_opens_nothing(gate, engine, keycloak):
    token = unsigned({"sub": "alice", "user": "alice", "iss": "476", "iat": int(time.time())})
    asked = keycloak.admin.exchange_count()
    for path in ("/iceberg/v1/config", NAMESPACES):
        assert gate.ask("GET", path, token=token).status == 401
    refused(engine("trino").refresh(token), 400, "invalid_grant")
    refused(engine("trino").refresh(token, basic=True), 400, "invalid_grant")
    assert keycloak.admin.exchange_count() == asked


def test_a_persons_own_token_is_exchanged_for_a_gate_token(gate, engine, keycloak):
    token = issued(engine("trino").exchange(keycloak.user_token("alice")))
    said = claims(token)
    assert (said["preferred_username"], said["azp"]) == ("alice", "icegate-tokens")
    assert gate.ask("GET", NAMESPACES, token=token).status == 200
    # A refresh by itself; the session at Keycloak is the same.
    again = claims(issued(engine("trino").refresh(token)))
    assert (again["preferred_username"], again["sid"]) == ("alice", said["sid"])


def test_an_engines_word_is_refreshed(engine):
    trino = engine("trino")
    token = issued(trino.word("alice"))
    assert claims(issued(trino.refresh(token, basic=True)))["preferred_username"] == "alice"


def test_a_persons_session_never_becomes_the_engines(gate, engine, keycloak):
    keycloak.admin.set_client_lifespan("engine-cli", 1)
    try:
        token = keycloak.user_token("alice")
    finally:
        keycloak.admin.set_client_lifespan("engine-cli", None)
    until(lambda: time.time() > claims(token)["exp"] + 31, timeout=40)
    said = refused(engine("trino").refresh(token, basic=True), 400, "invalid_grant")
    assert "the token of alice has expired: sign in again" in said
    refused(engine("trino").refresh(token), 400, "invalid_grant")
    assert gate.count_so_far("icegate_refusals.refusal.session_over") == 1


def test_what_a_program_may_not(gate, engine):
    token = engine("trino").token()
    assert gate.ask("GET", "/iceberg/v1/config", token=token).status == 200
    answer = gate.ask("GET", NAMESPACES, token=token)
    assert answer.status == 403, answer.text()


def test_ten_thousand_wrong_secrets(gate, engine, keycloak):
    trino = engine("trino")
    trino.token()
    before = len(keycloak.admin.exchanges())
    statuses: dict[int, int] = {}
    with gate.connect() as connection:
        for number in range(10_000):
            body = f"grant_type=client_credentials&client_id=trino&client_secret=wrong-{number}&scope=catalog".encode()
            answer = connection.ask("POST", "/iceberg/v1/oauth/tokens", body=body,
                                    headers=[("Content-Type", "application/x-www-form-urlencoded")])
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            if number % 1_000 == 500:
                engine("spark").token()
                trino.token()
    assert set(statuses) == {401, 429} and statuses[401] < 100, statuses
    assert before is not None
    assert gate.count_so_far("icegate_grants.issuer.corp.outcome.caller_refused") < 120
