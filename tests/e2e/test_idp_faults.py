"""What the identity provider can do wrong, and what the caller and the operator hear of it."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from gate import COMMIT, IdpProxy

from stack.jwt import signed
from stack.keycloak import claims
from stack.standin import CLOSE, CLOSE_AFTER_HEADERS, Hang, Raw, Reply

CONFIG = "/iceberg/v1/config"
BOUNDS = {"limits": {"exchange_timeout": "1s"}}


@pytest.fixture(scope="module")
def idp(keycloak):
    """Keycloak, but for what a test scripts."""
    with IdpProxy(keycloak) as started:
        yield started


@pytest.fixture(scope="module")
def faulty(gates, idp, recorder):
    """A gate whose identity provider is the scripted one."""
    with gates(catalog=recorder.port, idp=idp.port, change=BOUNDS) as started:
        yield started


@pytest.fixture
def workers(faulty, idp, keycloak):
    """Two connections to one worker, whose identity provider is well before the test and made well after it.

    Two, because Envoy ends a connection of HTTP/1 when the answer comes before the body was read.
    """
    connections = faulty.connections(each=2)
    recovers(connections[0], keycloak.user_token("bob"), within=15)
    idp.clear()
    yield connections[0], connections[2]
    for connection in connections:
        connection.close()
    idp.on(idp.token_path, idp.pass_on).on(idp.jwks_path, idp.pass_on)
    idp.release()


@pytest.fixture
def worker(workers):
    """One of the two."""
    return workers[0]


def recovers(connection, token, within=5):
    """The caller is served after a while, without anybody's help; until then it is asked to wait."""
    deadline = time.monotonic() + within
    while (answer := connection.ask("GET", CONFIG, token=token)).status != 200:
        assert answer.status == 503 and "retry-after" in answer.headers, answer.text()
        assert time.monotonic() < deadline, answer.text()
        time.sleep(0.1)


NOT_MINE = "urn:ietf:params:oauth:token-type:access_token"

# What the token endpoint answers, and the refusal's name.
FAULTS = [
    (CLOSE, "idp_unreachable"),
    (CLOSE_AFTER_HEADERS, "idp_broken"),
    (Hang(), "idp_timeout"),
    (Reply(200, b"{}", body_delay=3), "idp_broken"),
    (Reply(200, b"<html>Maintenance</html>", {"Content-Type": "text/html"}), "idp_broken"),
    (Reply.json({}), "idp_broken"),
    (Reply.json([]), "idp_broken"),
    (Reply(200, b""), "idp_broken"),
    (Reply(204), "idp_broken"),
    (Reply.json({"access_token": "a.b.c", "token_type": "N_A"}), "idp_broken"),
    (Reply.json({"access_token": 7, "token_type": "Bearer"}), "idp_broken"),
    (Reply.json({"access_token": "opaque", "token_type": "Bearer", "issued_token_type": NOT_MINE}), "minted_opaque"),
    (Reply.json({"access_token": "a b\r\nc", "token_type": "Bearer", "issued_token_type": NOT_MINE}), "minted_invalid"),
    (Reply.json({"error": "invalid_request", "error_description": "Invalid token", "x": "x" * 70_000}, 400), "idp_broken"),
    (Reply(302, headers={"Location": "http://elsewhere.test/token"}), "idp_broken"),
    (Reply(307, headers={"Location": "/realms/lake/token2"}), "idp_broken"),
    (Reply(500, b"oops"), "idp_broken"),
    (Reply(503, b"upstream connect error"), "idp_unreachable"),
    (Reply(504, b"upstream request timeout"), "idp_timeout"),
    (Reply(429, headers={"Retry-After": "3"}), "idp_rate_limited"),
    (Reply(404, b"Not Found"), "idp_broken"),
    (Raw(b"\x00\x01\x02 this is no HTTP\r\n\r\n"), "idp_broken"),
]


@pytest.mark.parametrize(("fault", "name"), FAULTS, ids=[f"{number}-{name}" for number, (_, name) in enumerate(FAULTS)])
def test_each_fault_has_its_name_no_catalog_is_asked_and_the_gate_recovers(
    faulty, workers, idp, keycloak, recorded, fault, name
):
    worker, other = workers
    token = keycloak.user_token("alice")
    recorded.clear()
    idp.on(idp.token_path, fault)
    read = worker.ask("GET", CONFIG, token=token)
    faulty.expect_refusal(read, 503, name)
    if name == "idp_rate_limited":
        assert int(read.headers["retry-after"]) >= 3
    commit = other.ask("POST", COMMIT, token=token, body=b"{}")
    assert commit.status == 429 and "retry-after" in commit.headers, commit.text()
    assert recorded.requests() == []
    idp.on(idp.token_path, idp.pass_on)
    idp.release()
    recovers(worker, token)
    assert len(idp.exchanges()) <= 12


# -- tokens that the gate does not believe -------------------------------------------------------------------------------


def test_another_persons_token_is_not_passed_on(faulty, worker, idp, keycloak, recorded):
    bobs = keycloak.exchange(keycloak.user_token("bob"), audience="catalog").expect(200).json()
    idp.on(idp.token_path, Reply.json(bobs))
    answer = worker.ask("GET", CONFIG, token=keycloak.user_token("alice"))
    sentence = faulty.expect_refusal(answer, 503, "minted_other_subject")
    assert "bob" not in sentence and "alice" in sentence
    assert recorded.requests() == []
    idp.on(idp.token_path, idp.pass_on)
    recovers(worker, keycloak.user_token("bob"), within=0.5)  # nobody else has to pay for it


@pytest.mark.parametrize(("scope", "name"), [
    ("to-icegate", "minted_other_audience"), ("to-icegate to-catalog", "minted_our_audience"), ("to-other", "minted_other_audience"),
])
def test_a_token_for_the_wrong_audience_is_not_passed_on(faulty, worker, idp, keycloak, recorded, scope, name):
    wrong = {"access_token": keycloak.user_token("alice", scope=scope), "token_type": "Bearer", "expires_in": 60,
             "issued_token_type": NOT_MINE}
    idp.on(idp.token_path, Reply.json(wrong))
    answer = worker.ask("GET", CONFIG, token=keycloak.user_token("alice"))
    faulty.expect_refusal(answer, 503, name)
    assert recorded.requests() == []


def test_a_forged_token_is_not_passed_on(faulty, worker, idp, keycloak, recorded):
    minted = keycloak.exchanged_token(keycloak.user_token("alice"))
    forged = minted[:-4] + ("AAAA" if not minted.endswith("AAAA") else "BBBB")
    idp.on(idp.token_path, Reply.json({"access_token": forged, "token_type": "Bearer", "expires_in": 60,
                                       "issued_token_type": NOT_MINE}))
    faulty.expect_refusal(worker.ask("GET", CONFIG, token=keycloak.user_token("alice")), 503, "minted_invalid")
    assert recorded.requests() == []


@pytest.mark.parametrize("expires_in", ["600", -1, 0, 1e18, 1e400, None, 0.5])
def test_an_absurd_lifetime_harms_nobody(faulty, worker, idp, keycloak, recorded, expires_in):
    token = keycloak.user_token("alice")
    said = keycloak.exchange(token, audience="catalog").expect(200).json()
    idp.on(idp.token_path, Reply.json({**said, "expires_in": expires_in}))
    for _ in range(2):
        assert worker.ask("GET", CONFIG, token=token).status in (200, 503)
    assert "panicked" not in faulty.envoy.log_text()


# -- whose fault it is ---------------------------------------------------------------------------------------------------


def test_a_wrong_secret_is_the_operators_and_not_the_callers(gates, keycloak, recorder, canaries):
    canaries.plant_credential("icegate", "not-the-secret-at-all")
    with gates(catalog=recorder.port, secret="not-the-secret-at-all", change=BOUNDS) as gate, gate.connect() as worker:
        token = keycloak.user_token("alice")
        sentence = gate.expect_refusal(worker.ask("GET", CONFIG, token=token), 503, "client_refused")
        assert sentence == ("identity provider 'corp' does not accept the gate's own client 'icegate': its operator must "
                            "look at issuers.corp.client")
        commit = worker.ask("POST", COMMIT, token=token, body=b"{}")
        gate.expect_refusal(commit, 429, "idp_paused")
        assert any("[error]" in line or "][error]" in line for line in gate.log_lines("issuers.corp.client"))
        gate.wait_for_count("icegate_exchanges.issuer.corp.outcome.operator_fault", 1)
        assert gate.count("icegate_exchanges.issuer.corp.outcome.caller_refused") == 0


def test_an_audience_that_nobody_knows_is_the_operators_fault(gates, keycloak, recorder):
    change = {**BOUNDS, "catalogs": {"lake": {"token": {"audience": "nobody-knows"}}}}
    with gates(catalog=recorder.port, change=change) as gate:
        answer = gate.ask("GET", CONFIG, token=keycloak.user_token("alice"))
        sentence = gate.expect_refusal(answer, 503, "exchange_misconfigured")
        assert "catalogs.lake.token.audience" in sentence
        assert any("error]" in line for line in gate.log_lines("exchange_misconfigured"))


def test_a_secret_that_keycloak_changed_is_the_operators_fault_until_it_is_changed_back(faulty, worker, keycloak, canaries):
    canaries.plant_credential("icegate", "rotated-secret-1")
    token = keycloak.user_token("alice")
    keycloak.admin.set_client_secret("icegate", "rotated-secret-1")
    try:
        faulty.expect_refusal(worker.ask("GET", CONFIG, token=token), 503, "client_refused")
    finally:
        keycloak.admin.set_client_secret("icegate", keycloak.credential("icegate")[1])
    recovers(worker, token)


def test_a_disabled_realm_is_an_outage_and_not_a_no(faulty, workers, keycloak):
    worker, other = workers
    token = keycloak.user_token("alice")
    keycloak.admin.set_realm_enabled(False)
    try:
        answer = other.ask("POST", COMMIT, token=token, body=b"{}")
        assert answer.status == 429, answer.text()
    finally:
        keycloak.admin.set_realm_enabled(True)
    recovers(worker, token)


# -- keys ----------------------------------------------------------------------------------------------------------------


def test_without_a_usable_key_set_nobody_is_recognised_until_there_is_one(gates, idp, keycloak, recorded):
    deep, html = Reply(200, b"{" * 100_000), Reply(200, b"<html>")
    faults = (Reply(500), html, CLOSE_AFTER_HEADERS, deep, Reply.json({"keys": 7}), Reply(302))
    # Two workers and Envoy's main thread ask, each four times in vain.
    idp.on(idp.jwks_path, *faults, *faults, idp.pass_on)
    with gates(catalog=recorded.port, idp=idp.port, change={"limits": {"request_deadline": "1s", "exchange_timeout": "500ms"}}) as gate:
        token = keycloak.user_token("alice")
        first = gate.ask("GET", CONFIG, token=token)
        gate.expect_refusal(first, 503, "keys_unavailable")
        assert recorded.requests() == []
        for worker in gate.connections():
            recovers(worker, token, within=10)
        gate.wait_for_count("icegate_key_fetches.issuer.corp.outcome.failed", 12)
        assert len(gate.log_lines("keys could not be fetched")) == 12


def test_unknown_keys_fetch_the_set_a_few_times_only(faulty, idp, keycloak):
    token, key = keycloak.user_token("alice"), ec.generate_private_key(ec.SECP256R1())
    forged = [signed(key, f"kid-{number}", claims(token)) for number in range(40)]
    idp.clear()
    began = time.monotonic()
    with ThreadPoolExecutor(40) as pool:
        statuses = list(pool.map(lambda one: faulty.ask("GET", CONFIG, token=one).status, forged))
    assert set(statuses) == {401}
    # Both workers may fetch once, and then once in five seconds.
    assert len(idp.requests(idp.jwks_path)) <= 2 * (1 + (time.monotonic() - began) // 5)
