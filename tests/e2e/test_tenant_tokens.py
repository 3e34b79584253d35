"""Tokens that are got for each tenant in its own way, and caps that keep one tenant from starving another."""

import time
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from gate import until
from tenants import nessie_configuration

from stack import jwt
from stack.keycloak import claims
from stack.standin import Reply, Standin
from stack.tenants import TENANTS, prefix
from stack.web import basic_credentials

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


class Partner(Standin):
    """Another company's identity provider, which follows RFC 8693 and exchanges whatever it signed itself."""

    def __init__(self):
        super().__init__()
        self.issuer, self._key, self._made = f"{self.url}/partner", ec.generate_private_key(ec.SECP256R1()), 0
        self.token_path = "/partner/token"
        self.on("/partner/.well-known/openid-configuration", Reply.json({
            "issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", "token_endpoint": self.url + self.token_path}))
        self.on("/partner/keys", Reply.json({"keys": [jwt.public_jwk(self._key, "p1")]}))
        self.on(self.token_path, self._exchange)

    def token(self, person, organisation, audience="icegate"):
        """A person's token, another one with each call."""
        self._made += 1
        now = int(time.time())
        return jwt.signed(self._key, "p1", {
            "iss": self.issuer, "sub": person, "aud": audience, "iat": now, "exp": now + 600, "org": organisation,
            "groups": ["/t/acme"], "jti": f"{person}-{self._made}"})

    def exchanges(self):
        """The forms that the gate has sent, name by name in their order."""
        return [parse_qsl(seen.body.decode()) for seen in self.requests(self.token_path)]

    def _exchange(self, seen):
        form = dict(parse_qsl(seen.body.decode()))
        minted = self.token(claims(form["subject_token"])["sub"], "-", form["audience"])
        return Reply.json({"access_token": minted, "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer",
                           "expires_in": 600})


@pytest.fixture(scope="module")
def partner():
    """The partner's identity provider."""
    with Partner() as started:
        yield started


@pytest.fixture
def exchanged(partner):
    """The same, with an empty record."""
    partner.clear()
    return partner


@pytest.fixture(scope="module")
def open_gate(gates, recorder, partner):
    """Starts a gate before the recorder, with both identity providers."""
    def start(**tenants):
        change = nessie_configuration()
        for tenant, patch in tenants.items():
            change["tenants"][tenant].update(patch)
        change["issuers"] = {"partner": {
            "profile": "rfc8693", "issuer": partner.issuer, "cluster": "partner", "audiences": ["icegate"],
            "client": {"id": "gate at partner", "secret": {"env": "ICEGATE_SECRET"}}}}
        change |= {"access": "catalog_decides", "grants": None}
        return gates(catalog=recorder.port, change=change, clusters={"partner": partner.port})
    return start


def namespaces(tenant):
    """The path of a request within a tenant."""
    return f"/iceberg/v1/{prefix(tenant)}/namespaces"


def minted(recorded):
    """The claims of each token that the catalog has been sent."""
    return [claims(seen.header("authorization").removeprefix("Bearer ")) for seen in recorded.requests()]


# -- how tokens are got --------------------------------------------------------------------------------------------------


def test_one_person_gets_another_token_in_each_tenant(open_gate, keycloak, recorded):
    """By one token of a person of both: the request says whose it is."""
    token = keycloak.user_token("dave")
    theirs = {"lake": {"audience": "catalog2", "scope": "to-catalog2 table.read"}}
    keycloak.admin.clear_events()
    with open_gate(globex={"token": theirs}) as gate, gate.connect() as connection:
        for tenant in (*TENANTS, *TENANTS):
            connection.ask("GET", namespaces(tenant), token=token).expect(200)
        assert [seen["aud"] for seen in minted(recorded)] == ["catalog", "catalog2"] * 2
        assert {seen["preferred_username"] for seen in minted(recorded)} == {"dave"}
        assert ["table.read" in seen["scope"].split() for seen in minted(recorded)] == [False, True] * 2
        assert keycloak.admin.exchange_count("dave") == 2
        gate.wait_for_count("icegate_cache.event.hit", 2)


def test_another_identity_provider_with_a_client_of_the_tenants_own(open_gate, exchanged, keycloak, recorded):
    client = {"id": "globex:gate", "secret": {"env": "ICEGATE_SECRET"}, "authentication": "client_secret_post"}
    own = {"from": "partner", "audience": "lake-of-globex", "scope": "lake.read lake.write",
           "resource": ["https://lake/a", "urn:b"], "parameters": {"connector": "x&y"}, "client": client}
    who = {"issuer": "partner", "claim": "org", "has": "globex"}
    alice, bob = keycloak.user_token("alice"), keycloak.user_token("bob")
    zoe, stranger = exchanged.token("zoe", "globex"), exchanged.token("stranger", "acme")
    with open_gate(globex={"who": who, "token": {"lake": own}}) as gate, gate.connect() as connection:
        connection.ask("GET", namespaces("globex"), token=zoe).expect(200)
        connection.ask("GET", namespaces("acme"), token=alice).expect(200)
        assert [(seen["iss"], seen["sub"], seen["aud"]) for seen in minted(recorded)] == [
            (exchanged.issuer, "zoe", "lake-of-globex"), (keycloak.issuer, claims(alice)["sub"], "catalog")]
        secret = keycloak.credential("icegate")[1]
        assert exchanged.exchanges() == [[
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), ("resource", "https://lake/a"),
            ("resource", "urn:b"), ("audience", "lake-of-globex"), ("scope", "lake.read lake.write"),
            ("requested_token_type", ACCESS_TOKEN), ("subject_token", zoe), ("subject_token_type", ACCESS_TOKEN),
            ("client_id", "globex:gate"), ("client_secret", secret), ("connector", "x&y")]]
        assert exchanged.requests(exchanged.token_path)[0].header("authorization") is None
        # Groups count only where the issuer that says them is meant.
        for token, tenant, name in ((zoe, "acme", "outside_border"), (alice, "globex", "outside_border"),
                                    (bob, "globex", "tenant_none"), (stranger, "acme", "tenant_none")):
            gate.expect_refusal(connection.ask("GET", namespaces(tenant), token=token), 403, name)
        assert len(exchanged.exchanges()) == 1 and len(recorded.requests()) == 2


def test_the_clients_own_way_of_proving_itself(open_gate, exchanged, keycloak, recorded):
    """What a tenant does not write is as the catalog and the issuer say."""
    who = {"issuer": "partner", "claim": "org", "has": "globex"}
    with open_gate(globex={"who": who, "token": {"lake": {"from": "partner"}}}) as gate:
        gate.ask("GET", namespaces("globex"), token=exchanged.token("zoe", "globex")).expect(200)
    (seen,) = exchanged.requests(exchanged.token_path)
    assert seen.header("authorization") == basic_credentials("gate at partner", keycloak.credential("icegate")[1])
    assert dict(exchanged.exchanges()[0])["audience"] == "catalog"


# -- caps ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def of_partner(open_gate):
    """Starts a gate for which both tenants' people come from the partner: its tokens are quickly made."""
    def start(**limits):
        return open_gate(**{tenant: {
            "who": {"issuer": "partner", "claim": "org", "has": tenant}, "token": {"lake": {"from": "partner"}},
            "limits": limits.get(tenant, {})} for tenant in TENANTS})
    return start


def test_a_tenant_that_has_used_up_its_exchanges_stops_itself_alone(of_partner, exchanged, recorded):
    with of_partner(acme={"exchanges_per_second": 1}) as gate, gate.connect() as connection:
        served = [exchanged.token(f"acme-{number}", "acme") for number in range(10)]
        for token in served:
            connection.ask("GET", namespaces("acme"), token=token).expect(200)

        def ask(method="GET", below=""):
            return connection.ask(method, namespaces("acme") + below, token=exchanged.token("late", "acme"))

        def refused(*asked):
            """The answer once it is used up; on a slow machine another exchange has come meanwhile."""
            return next(answer for answer in iter(lambda: ask(*asked), None) if answer.status != 200)
        sentence = gate.expect_refusal(refused(), 503, "tenant_exchanges_full")
        assert sentence == "tenant acme has used up its token exchanges of this second (tenants.acme.limits): try again"
        gate.expect_refusal(refused("DELETE", "/raw"), 429, "tenant_exchanges_full")
        # Whoever has a token goes on, and so does everybody of the other tenant.
        for token in served:
            connection.ask("GET", namespaces("acme"), token=token).expect(200)
        for number in range(30):
            connection.ask("GET", namespaces("globex"), token=exchanged.token(f"globex-{number}", "globex")).expect(200)
        until(lambda: ask().status == 200, 5)


def test_a_tenants_part_of_the_cache_is_taken_from_its_own(of_partner, exchanged, recorded):
    with of_partner(globex={"cached_callers": 2}) as gate, gate.connect() as connection:
        one, two, three = (exchanged.token(f"globex-{number}", "globex") for number in range(3))
        acmes = [exchanged.token(f"acme-{number}", "acme") for number in range(5)]

        def exchanges(tenant, *tokens):
            before = len(exchanged.exchanges())
            for token in tokens:
                connection.ask("GET", namespaces(tenant), token=token).expect(200)
            return len(exchanged.exchanges()) - before
        assert exchanges("acme", *acmes) == 5
        assert exchanges("globex", one, two, one) == 2
        assert exchanges("globex", three) == 1
        # `two` was not used for the longest time, and made room.
        assert exchanges("globex", one, three) == 0
        assert exchanges("globex", two) == 1
        assert exchanges("acme", *acmes) == 0
        gate.wait_for_count("icegate_cache.event.eviction", 2)
