"""The gate proves itself to a real Keycloak by a key (`private_key_jwt`): what it sends, and what Keycloak takes."""

import base64
import json
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from gate import IdpProxy

from stack import web
from stack.jwt import public_jwk
from stack.keycloak import claims

CONFIG = "/iceberg/v1/config"
CLIENT = {"ES256": "icegate-es256", "RS256": "icegate-rs256"}
AUDITOR = "auditor-es256"
# Whose tokens all of these clients may exchange.
LOGIN = "engine-jwt"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Key:
    """A private key: as the gate gets it, and as Keycloak does."""

    def __init__(self, algorithm: str, kid: str, canaries) -> None:
        made = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else rsa.generate_private_key(65537, 2048)
        self.pem = made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption()).decode()
        self.kid, self.jwk = kid, public_jwk(made, kid)
        for line in self.pem.splitlines()[1:-1]:
            canaries.plant(line)


def known(*keys):
    """The attributes of a client that proves itself by any of these keys."""
    return {"use.jwks.string": "true", "jwks.string": json.dumps({"keys": [key.jwk for key in keys]}),
            "token.endpoint.auth.signing.alg": keys[0].jwk["alg"]}


def audience(name):
    """What puts a client into the audience of tokens."""
    return {"name": f"audience-{name}", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
            "config": {"included.client.audience": name, "access.token.claim": "true"}}


@pytest.fixture(scope="module")
def keys(keycloak, canaries):
    """A key for each algorithm; Keycloak has a client for each, and a service account that has one too."""
    keys = {algorithm: Key(algorithm, f"{algorithm.lower()}-1", canaries) for algorithm in CLIENT}
    keys[AUDITOR] = Key("ES256", "auditor-1", canaries)
    by_key = {"publicClient": False, "clientAuthenticatorType": "client-jwt", "standardFlowEnabled": False,
              "fullScopeAllowed": False, "defaultClientScopes": ["basic", "who", "to-catalog"]}
    for algorithm, client in CLIENT.items():
        keycloak.admin.create_client(client, **by_key, attributes={
            "standard.token.exchange.enabled": "true", **known(keys[algorithm])})
    keycloak.admin.create_client(AUDITOR, **by_key, serviceAccountsEnabled=True, attributes=known(keys[AUDITOR]))
    keycloak.admin.create_client(
        LOGIN, publicClient=True, standardFlowEnabled=False, directAccessGrantsEnabled=True, fullScopeAllowed=False,
        defaultClientScopes=["basic", "who"], protocolMappers=[audience(name) for name in ("icegate", *CLIENT.values())])
    yield keys
    for client in (*CLIENT.values(), AUDITOR, LOGIN):
        keycloak.admin.delete_client(client)


@pytest.fixture(scope="module")
def idp(keycloak):
    """Keycloak, and what it is asked."""
    with IdpProxy(keycloak) as started:
        yield started


@pytest.fixture
def proving(gates, idp, recorder, keys, recorded):
    """Makes gates that prove themselves as `client` by `key`."""
    idp.clear()

    def make(client, key, services=None, variables=None, **more):
        proof = {"id": client, "authentication": "private_key_jwt", "key": {"env": "ICEGATE_KEY"}, "key_id": key.kid, **more}
        return gates(catalog=recorder.port, idp=idp.port,
                     change={"issuers": {"corp": {"client": {"secret": None, **proof}}}, "services": services},
                     variables={"ICEGATE_KEY": key.pem, **(variables or {})})
    return make


def login(keycloak, username):
    """The person's own token, whose audience is the gate and all of its clients here."""
    form = {"grant_type": "password", "client_id": LOGIN, "username": username,
            "password": keycloak.realm.password(username), "scope": "openid"}
    return web.post(keycloak.token_url, form=form).expect(200).json()["access_token"]


def sent(recorded):
    """The claims of the token that the catalog got last."""
    return claims(recorded.requests()[-1].header("authorization").removeprefix("Bearer "))


def assertions(idp, canaries, client):
    """What the gate said about itself in each call so far: header and claims. Nothing else proved it."""
    said = []
    for call in idp.exchanges():
        form = parse_qs(call.body.decode(), strict_parsing=True)
        assert call.all_headers("authorization") == [] and "client_secret" not in form
        assert (form["client_id"], form["client_assertion_type"]) == ([client], [ASSERTION])
        (assertion,) = form["client_assertion"]
        canaries.plant(assertion)
        header = assertion.partition(".")[0]
        said.append((json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))), claims(assertion)))
    return said


@pytest.mark.parametrize("algorithm", CLIENT)
def test_keycloak_takes_the_gates_signature(proving, keys, keycloak, idp, recorded, canaries, algorithm):
    client, key = CLIENT[algorithm], keys[algorithm]
    with proving(client, key) as gate:
        for person in ("alice", "bob"):
            gate.ask("GET", CONFIG, token=login(keycloak, person)).expect(200)
            minted = sent(recorded)
            assert (minted["preferred_username"], minted["azp"], minted["aud"]) == (person, client, "catalog")
    (first, second) = assertions(idp, canaries, client)
    for header, said in (first, second):
        assert header == {"alg": algorithm, "kid": key.kid, "typ": "JWT"}
        assert set(said) == {"iss", "sub", "aud", "iat", "exp", "jti"}
        assert (said["iss"], said["sub"], said["aud"]) == (client, client, keycloak.issuer)
        assert said["exp"] - said["iat"] == 60
    assert first[1]["jti"] != second[1]["jti"]


def test_the_token_endpoint_is_an_audience_too(proving, keys, keycloak, idp, recorded, canaries):
    with proving(CLIENT["ES256"], keys["ES256"], assertion_audience=keycloak.token_url) as gate:
        gate.ask("GET", CONFIG, token=login(keycloak, "alice")).expect(200)
    ((_, said),) = assertions(idp, canaries, CLIENT["ES256"])
    assert said["aud"] == keycloak.token_url


@pytest.mark.parametrize("algorithm", CLIENT)
def test_another_key_is_the_operators_fault(proving, keys, keycloak, idp, recorded, canaries, algorithm):
    other = Key(algorithm, keys[algorithm].kid, canaries)
    with proving(CLIENT[algorithm], other) as gate:
        told = gate.expect_refusal(gate.ask("GET", CONFIG, token=login(keycloak, "alice")), 503, "client_refused")
        assert "issuers.corp.client" in told
        assert "issuers.corp.client" in gate.wait_for_log("its operator must look at")
    assert len(assertions(idp, canaries, CLIENT[algorithm])) == 1
    assert recorded.requests() == []


def test_an_audience_that_is_not_keycloaks_is_the_operators_fault(proving, keys, keycloak, recorded):
    with proving(CLIENT["ES256"], keys["ES256"], assertion_audience="https://elsewhere.example") as gate:
        gate.expect_refusal(gate.ask("GET", CONFIG, token=login(keycloak, "alice")), 503, "client_refused")
    assert recorded.requests() == []


def test_a_key_is_rotated_without_an_outage(proving, keys, keycloak, recorded, canaries):
    client, old = CLIENT["ES256"], keys["ES256"]
    fresh = Key("ES256", "es256-2", canaries)
    keycloak.admin.set_client_attributes(client, known(fresh, old))
    for key in (old, fresh):
        with proving(client, key) as gate:
            gate.ask("GET", CONFIG, token=login(keycloak, "alice")).expect(200)
    keycloak.admin.set_client_attributes(client, known(fresh))
    with proving(client, fresh) as gate:
        gate.ask("GET", CONFIG, token=login(keycloak, "alice")).expect(200)
    with proving(client, old) as gate:
        gate.expect_refusal(gate.ask("GET", CONFIG, token=login(keycloak, "alice")), 503, "client_refused")
    keycloak.admin.set_client_attributes(client, known(old))


def test_a_programs_own_account_has_a_key_too(proving, keys, keycloak, recorded):
    account = {"from": "corp", "id": AUDITOR, "authentication": "private_key_jwt", "key": {"env": "AUDITOR_KEY"},
               "key_id": keys[AUDITOR].kid}
    services = {"trino": {"who": {"issuer": "corp", "sub": keycloak.realm.service_account("trino"), "azp": "trino"},
                          "may": ["config"], "token": {"client_credentials": account}}}
    with proving(CLIENT["ES256"], keys["ES256"], services, {"AUDITOR_KEY": keys[AUDITOR].pem}) as gate:
        gate.ask("GET", CONFIG, token=keycloak.client_token("trino")).expect(200)
        minted = sent(recorded)
        assert (minted["azp"], minted["preferred_username"]) == (AUDITOR, f"service-account-{AUDITOR}")
