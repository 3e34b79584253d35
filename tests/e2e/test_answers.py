"""What the gate answers, line by line: to the client, in both logs and in the counters."""

import json
import time
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from bootstrap import connection_manager
from gate import COMMIT, NAMESPACES

from stack import web
from stack.jwt import signed
from stack.keycloak import claims

CONFIG = "/iceberg/v1/config"


@pytest.fixture(scope="module", autouse=True)
def every_refusal_is_counted_once(gate):
    """What the tests of this module expect, the counters say as well."""
    start = {name: value for name, value in gate.envoy.stats("icegate_refusals").items() if value}
    gate.refused = {name.rpartition(".")[2]: value for name, value in start.items()}
    yield
    gate.expect_counted()


def challenge(error=None):
    """The `WWW-Authenticate` of a refusal (RFC 6750 section 3)."""
    about = "" if error is None else f', error="invalid_token", error_description="{error}"'
    return f'Bearer realm="icegate"{about}'


# -- no usable credential ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("headers", "status", "name"), [
    ([], 401, "token_missing"),
    ([("Authorization", "")], 401, "token_empty"),
    ([("Authorization", "Bearer")], 401, "token_empty"),
    ([("Authorization", "Bearer ")], 401, "token_empty"),
    ([("Authorization", "Basic YWxpY2U6YWxpY2U=")], 401, "scheme_not_bearer"),
    ([("Authorization", "DPoP a.b.c"), ("DPoP", "d.e.f")], 401, "scheme_not_bearer"),
    ([("Authorization", "Bearer a.b.c"), ("Authorization", "Bearer d.e.f")], 400, "credentials_several"),
    ([("Authorization", "Basic YTpi"), ("Authorization", "Bearer d.e.f")], 400, "credentials_several"),
    ([("Authorization", "Bearer a.b.c, Bearer d.e.f")], 400, "credentials_several"),
    ([("Authorization", "Bearer a.b.c,d.e.f")], 400, "credentials_several"),
    ([("Authorization", "Bearer a b")], 400, "token_malformed"),
    ([("Authorization", "Bearer a\tb")], 400, "token_malformed"),
    ([("Authorization", 'Bearer "a.b.c"')], 400, "token_malformed"),
    ([("Authorization", "Bearer " + "a" * 16_385)], 400, "token_too_long"),
    ([("Authorization", "Bearer garbage")], 401, "jwt_malformed"),
    ([("Authorization", "Bearer a.b.c")], 401, "jwt_malformed"),
    ([("Authorization", "Bearer " + "a" * 16_384)], 401, "jwt_malformed"),
])
def test_a_credential_that_cannot_be_one(gate, headers, status, name):
    answer = gate.ask("GET", CONFIG, headers=headers)
    sentence = gate.expect_refusal(answer, status, name)
    if status == 401:
        error = None if name != "jwt_malformed" else sentence
        assert answer.headers["www-authenticate"] == challenge(error)


def test_the_missing_token_says_what_to_send(gate):
    sentence = gate.expect_refusal(gate.ask("GET", CONFIG), 401, "token_missing")
    assert sentence == "a token is needed: send 'Authorization: Bearer <token for the gate>'"


# -- tokens that are not for the gate, or not good -----------------------------------------------------------------------


def refused_token(gate, token, name):
    """A 401 for a token that came in the right form; it names the fault to the client (RFC 6750 section 3.1)."""
    answer = gate.ask("GET", CONFIG, token=token)
    sentence = gate.expect_refusal(answer, 401, name)
    assert answer.headers["www-authenticate"] == challenge(sentence)
    return sentence


def test_a_token_for_somebody_else(gate, keycloak):
    sentence = refused_token(gate, keycloak.user_token("alice", scope="to-other"), "audience_mismatch")
    assert sentence == "the token's audience is not one of: icegate"


def test_a_token_for_the_catalog_is_none_for_the_gate(gate, keycloak):
    refused_token(gate, keycloak.user_token("alice", scope="to-catalog"), "audience_mismatch")


def test_the_gates_own_minted_token_is_none_for_the_gate(gate, keycloak):
    refused_token(gate, keycloak.exchanged_token(keycloak.user_token("alice")), "audience_mismatch")


def test_an_expired_token(gates, keycloak, nessie):
    token = keycloak.user_token("alice", client="engine-short")
    with gates(catalog=nessie.port, change={"issuers": {"corp": {"leeway": "0s"}}}) as strict:
        strict.ask("GET", CONFIG, token=token)
        time.sleep(max(0.0, claims(token)["exp"] - time.time()) + 0.1)
        for _ in range(2):
            assert "expired" in refused_token(strict, token, "token_expired")


def test_an_id_token(gates, keycloak, nessie):
    form = {"grant_type": "password", "client_id": "engine-cli", "username": "alice",
            "password": keycloak.realm.password("alice"), "scope": "openid to-icegate"}
    id_token = web.post(keycloak.token_url, form=form).expect(200).json()["id_token"]
    # An ID token's audience is the client, so the gate must take that one for the rest to be looked at.
    with gates(catalog=nessie.port, change={"issuers": {"corp": {"audiences": ["engine-cli"]}}}) as wide:
        assert refused_token(wide, id_token, "token_type_refused") == "the token is not an access token"


def test_a_signature_that_was_changed(gate, keycloak):
    head, payload, signature = keycloak.user_token("alice").split(".")
    other = ("A" if signature[0] != "A" else "B") + signature[1:]
    refused_token(gate, f"{head}.{payload}.{other}", "signature_bad")


def test_claims_that_were_changed(gate, keycloak):
    token = keycloak.user_token("alice")
    head, _, signature = token.split(".")
    forged = signed(ec.generate_private_key(ec.SECP256R1()), "k", {**claims(token), "preferred_username": "root"})
    refused_token(gate, f"{head}.{forged.split('.')[1]}.{signature}", "signature_bad")


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "HS256"])
def test_an_algorithm_that_proves_nothing(gate, keycloak, algorithm):
    forged = signed(ec.generate_private_key(ec.SECP256R1()), "k", claims(keycloak.user_token("alice")), alg=algorithm)
    if algorithm != "HS256":
        forged = forged.rpartition(".")[0] + "."
    refused_token(gate, forged, "algorithm_refused")


def test_a_token_of_another_issuer(gate, keycloak):
    realm = keycloak.issuer.rpartition("/")[0] + "/master"
    own = {**claims(keycloak.user_token("alice")), "iss": realm}
    sentence = refused_token(gate, signed(ec.generate_private_key(ec.SECP256R1()), "k", own), "issuer_unknown")
    assert sentence == f"the token's issuer is not one of: {keycloak.issuer}"


def test_a_token_signed_by_a_stranger(gate, keycloak):
    forged = signed(ec.generate_private_key(ec.SECP256R1()), "stranger", claims(keycloak.user_token("alice")))
    refused_token(gate, forged, "key_unknown")


# -- paths ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "status", "name"), [
    ("//iceberg/v1/config", 404, "path_outside"),
    ("/iceberg//v1/config", 400, "path_empty_segment"),
    ("/iceberg/v1//config", 400, "path_empty_segment"),
    ("/iceberg/v1/./config", 400, "path_dot_segment"),
    ("/iceberg/v1/x/../config", 400, "path_dot_segment"),
    ("/iceberg/../iceberg/v1/config", 400, "path_dot_segment"),
    ("/iceberg/v1/x/%2e%2e/config", 400, "path_dot_segment"),
    ("/iceberg/v1/x/%2E./config", 400, "path_dot_segment"),
    ("/iceberg/v1/x/%252e%252e/config", 400, "path_dot_segment"),
    ("/iceberg/v1;x/config", 400, "path_matrix_parameter"),
    ("/iceberg/v1/config;x=1", 400, "path_matrix_parameter"),
    ("/iceberg;x/v1/config", 404, "path_outside"),
    ("/iceberg/v1/main%7Cwarehouse/namespaces/a%2Fb", 400, "path_encoded_slash"),
    ("/iceberg/v1/main%7Cwarehouse/namespaces/a%5Cb", 400, "path_backslash"),
    ("/iceberg/v1/main|warehouse/namespaces", 400, "path_illegal_character"),
    ("/iceberg/v1/config/", 400, "path_trailing_slash"),
    ("/iceberg/", 400, "path_trailing_slash"),
    ("/iceberg/v1/%63onfig", 400, "path_route_word_spelling"),
    ("/iceberg/V1/config", 400, "path_route_word_spelling"),
    ("/iceberg/v1/main%7Cwarehouse/%6eamespaces", 400, "path_route_word_spelling"),
    ("/%69ceberg/v1/config", 404, "path_outside"),
    ("/iceberg/v1/main%7Cwarehouse/namespaces/a%zz", 400, "path_bad_percent_encoding"),
    ("/iceberg/v1/main%7Cwarehouse/namespaces/a%ff", 400, "path_not_utf8"),
    ("/iceberg/v1/main%7Cwarehouse/namespaces/a%00", 400, "path_control_character"),
    ("/iceberg/main/v1/config", 404, "path_reference_form"),
    ("/iceberg/v1/nonsense/of/mine", 404, "unknown_operation"),
    ("/iceberg", 404, "unknown_operation"),
    ("/icebergs/v1/config", 404, "path_outside"),
    ("/", 404, "path_outside"),
    ("/api/v2/trees/main/history", 404, "path_outside"),
    ("/iceberg/v1/config?access_token=a.b.c", 400, "path_token_in_query"),
    ("/iceberg/v1/config?warehouse=w&%61ccess_token=a.b.c", 400, "path_token_in_query"),
])
def test_a_path_that_is_ambiguous_or_unknown_reaches_no_catalog(gate, keycloak, path, status, name):
    answer = gate.ask("GET", path, token=keycloak.user_token("alice"))
    gate.expect_refusal(answer, status, name)


def test_a_known_path_with_another_method(gate, keycloak):
    answer = gate.ask("PATCH", NAMESPACES, token=keycloak.user_token("alice"))
    gate.expect_refusal(answer, 404, "wrong_method")


def test_a_path_is_judged_only_for_those_who_send_a_token(gate):
    gate.expect_refusal(gate.ask("GET", "/iceberg/v1/nonsense"), 401, "token_missing")


def test_an_upgrade_to_another_protocol(gates, keycloak, nessie):
    def allow_upgrades(bootstrap):
        connection_manager(bootstrap)["upgrade_configs"] = [{"upgrade_type": "websocket"}]

    upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
    with gates(catalog=nessie.port, edit=allow_upgrades) as lax:
        answer = lax.ask("GET", CONFIG, token=keycloak.user_token("alice"), headers=upgrade)
        lax.expect_refusal(answer, 400, "upgrade_refused")


# -- shapes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [False, True])
def test_the_token_endpoint_answers_in_the_shape_of_oauth(gate, keycloak, token):
    credential = {"token": keycloak.user_token("alice")} if token else {}
    answer = gate.ask("POST", "/iceberg/v1/oauth/tokens", body=b"grant_type=client_credentials",
                      headers=[("Content-Type", "application/x-www-form-urlencoded")], **credential)
    assert answer.status == 400
    assert answer.headers.get_all("content-type") == ["application/json"]
    assert answer.headers.get_all("cache-control") == ["no-store"]
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error"] == "unsupported_grant_type"
    gate.wait_for_access(path="/iceberg/v1/oauth/tokens", status=400, details="token_endpoint_off")
    gate.refused["token_endpoint_off"] = gate.refused.get("token_endpoint_off", 0) + 1


@pytest.mark.parametrize(("path", "headers", "status", "name"), [
    (f"{NAMESPACES}/none", [], 401, "token_missing"),
    (f"{NAMESPACES}/none", [("Authorization", "Bearer a.b.c")], 401, "jwt_malformed"),
    (f"{NAMESPACES}//none", [("Authorization", "Bearer a.b.c")], 400, "path_empty_segment"),
])
def test_a_refused_head_has_no_body_and_the_connection_goes_on(gate, keycloak, path, headers, status, name):
    with gate.connect() as connection:
        answer = connection.ask("HEAD", path, headers=headers)
        assert (answer.status, answer.body) == (status, b"")
        assert ("www-authenticate" in answer.headers) == (status == 401)
        gate.wait_for_access(method="HEAD", status=status, details=name)
        gate.refused[name] = gate.refused.get(name, 0) + 1
        if status == 400:  # Envoy ends a connection of HTTP/1 after any 400
            assert answer.headers["connection"] == "close"
        else:
            connection.ask("GET", CONFIG, token=keycloak.user_token("alice")).expect(200)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_refused_write_is_answered_without_its_body(gate, method):
    answer = gate.ask(method, COMMIT, body=b"{}")
    gate.expect_refusal(answer, 401, "token_missing")


def test_a_refusal_is_counted_as_a_refused_request_of_its_catalog(gate):
    gate.expect_counted()
    before = {name: gate.count_so_far(f"icegate_requests.catalog.{name}.verdict.refused") for name in ("lake", "recorder", "NONE")}
    for path in (CONFIG, "/recorded/v1/config", "/nowhere"):
        gate.expect_refusal(gate.ask("GET", path), 401, "token_missing")
    for name, count in before.items():
        gate.wait_for_count(f"icegate_requests.catalog.{name}.verdict.refused", count + 1)


def test_head_through_the_gate_does_not_hang(gate, keycloak, namespace):
    token = keycloak.user_token("alice")
    gate.ask("POST", NAMESPACES, token=token, headers=[("Content-Type", "application/json")],
             body=json.dumps({"namespace": [namespace]}).encode()).expect(200)
    began = time.monotonic()
    with gate.connect() as connection:
        there = connection.ask("HEAD", f"{NAMESPACES}/{namespace}", token=token)
        missing = connection.ask("HEAD", f"{NAMESPACES}/{namespace}_x", token=token)
        dropped = connection.ask("DELETE", f"{NAMESPACES}/{namespace}", token=token)
    assert (there.status, missing.status, dropped.status) == (204, 404, 204)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("size", [2, 100_000, 5_000_000])
def test_a_refused_commit_gets_its_answer_however_large_it_is(gate, size):
    with gate.connect() as connection:
        # Envoy answers at once, does not read the rest of the body, and resets the connection after a while: a client
        # of HTTP/1 that still sends must look for an answer before it gives up.
        with suppress(ConnectionResetError, BrokenPipeError):
            connection.send("POST", COMMIT, body=b"x" * size, headers=[("Content-Type", "application/json")])
        gate.expect_refusal(connection.read(), 401, "token_missing")
