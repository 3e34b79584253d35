"""Programs: service accounts of a real Keycloak, listed and not, exchanged, by an account of their own, by their connection."""

import ssl

import pytest
from bench.figures import host_calls
from bootstrap import listener
from gate import NAMESPACES
from tls import Authority

from stack.keycloak import claims

CONFIG = "/recorded/v1/config"
TABLE = "/recorded/v1/main/namespaces/ns/tables/t"
TRINO, OTHER = "spiffe://example.com/trino", "spiffe://example.com/other"
RECORDED = {"kind": "nessie", "base_path": "/recorded", "token": {"from": "corp", "audience": "catalog"}}


@pytest.fixture(scope="module")
def trino(keycloak):
    """The service account of Trino's client."""
    return keycloak.admin.user_id("service-account-trino")


@pytest.fixture(scope="module")
def programs(gates, nessie, recorder):
    """Makes gates in front of the recorder that list these services."""
    def make(services, **options):
        return gates(catalog=nessie.port, change={"catalogs": {"recorder": RECORDED}, "services": services},
                     clusters={"recorder": recorder.port}, routes={"/recorded": "recorder"}, **options)
    return make


def sent(recorded):
    """The claims of the token that the catalog got last."""
    return claims(recorded.requests()[-1].header("authorization").removeprefix("Bearer "))


def test_a_program_that_is_not_listed_is_refused_and_never_exchanged(gate, keycloak, recorded):
    token = keycloak.client_token("trino")
    keycloak.admin.clear_events()
    for method, target in (("GET", CONFIG), ("GET", TABLE), ("GET", NAMESPACES)):
        told = gate.expect_refusal(gate.ask(method, target, token=token), 403, "program_not_listed")
        assert told.startswith("service-account-trino is a program of identity provider 'corp' that this gate does not list")
        assert f"sub: {claims(token)['sub']}" in told
    assert keycloak.admin.exchange_count("service-account-trino") == 0
    assert recorded.requests() == []


def test_a_listed_program_is_exchanged_and_stopped_where_a_person_s_token_is_gone(programs, keycloak, recorded, trino):
    services = {"trino": {"who": {"issuer": "corp", "sub": trino, "azp": "trino"}, "may": ["config"]}}
    with programs(services) as gate:
        own = keycloak.client_token("trino")
        gate.ask("GET", CONFIG, token=own).expect(200)
        minted = sent(recorded)
        assert (minted["aud"], minted["azp"], minted["preferred_username"]) == ("catalog", "icegate", "service-account-trino")
        assert minted["sub"] == trino
        # Trino goes on as itself when the user's token has expired; what its user sees leads there.
        person = keycloak.user_token("alice", client="engine-short")
        gate.ask("GET", TABLE, token=person).expect(200)
        for method, target in (("GET", TABLE.replace("tables", "views")), ("GET", TABLE), ("POST", TABLE)):
            told = gate.expect_refusal(gate.ask(method, target, token=own), 403, "service_may_not")
            assert "program trino may not " in told and "the person's token has expired" in told
        # A person who logged in through an engine is a person.
        gate.ask("GET", TABLE, token=keycloak.user_token("alice")).expect(200)
        assert sent(recorded)["preferred_username"] == "alice"


def test_a_program_goes_by_an_account_of_its_own(programs, keycloak, recorded, trino):
    account = {"from": "corp", "id": "auditor", "secret": {"env": "AUDITOR_SECRET"}, "for": ["config"]}
    services = {"trino": {"who": {"issuer": "corp", "sub": trino, "azp": "trino"}, "may": ["config", "read"],
                          "token": {"client_credentials": account}}}
    secrets = {"AUDITOR_SECRET": keycloak.credential("auditor")[1]}
    with programs(services, variables=secrets) as gate:
        own = keycloak.client_token("trino")
        for _ in range(2):
            gate.ask("GET", CONFIG, token=own).expect(200)
            minted = sent(recorded)
            assert (minted["azp"], minted["preferred_username"]) == ("auditor", "service-account-auditor")
            gate.ask("GET", TABLE, token=own).expect(200)
            minted = sent(recorded)
            assert (minted["azp"], minted["preferred_username"]) == ("icegate", "service-account-trino")
        # No person ever goes by it.
        gate.ask("GET", CONFIG, token=keycloak.user_token("alice")).expect(200)
        assert sent(recorded)["preferred_username"] == "alice"
    with programs(services, variables={"AUDITOR_SECRET": "wrong"}) as gate:
        told = gate.expect_refusal(gate.ask("GET", CONFIG, token=own), 503, "client_refused")
        assert "services.trino.token.client_credentials" in told
        # A wrong secret of one program is nobody else's outage.
        gate.ask("GET", CONFIG, token=keycloak.user_token("bob")).expect(200)
        gate.ask("GET", TABLE, token=own).expect(200)


def test_an_account_that_the_catalog_is_not_meant_for_is_not_used(programs, keycloak, recorded, trino):
    account = {"from": "corp", "id": "trino", "secret": {"env": "TRINO_SECRET"}}
    services = {"trino": {"who": {"issuer": "corp", "sub": trino, "azp": "trino"}, "may": ["config"],
                          "token": {"client_credentials": account}}}
    with programs(services, variables={"TRINO_SECRET": keycloak.credential("trino")[1]}) as gate:
        answer = gate.ask("GET", CONFIG, token=keycloak.client_token("trino"))
        gate.expect_refusal(answer, 503, "minted_other_audience")
    assert recorded.requests() == []


def test_a_program_is_held_to_the_certificate_of_its_connection(programs, keycloak, recorded, trino, tmp_path):
    authority = Authority(tmp_path / "tls")
    server = authority.issue("gate", "gate.test")

    def over_tls(bootstrap):
        def files(certificate, key):
            return {"certificate_chain": {"filename": str(certificate)}, "private_key": {"filename": str(key)}}
        listener(bootstrap)["filter_chains"][0]["transport_socket"] = {
            "name": "envoy.transport_sockets.tls", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "common_tls_context": {"tls_certificates": [files(*server)],
                                       "validation_context": {"trusted_ca": {"filename": str(authority.file)}}}}}

    def client(name=None, uri=None):
        context = ssl.create_default_context(cafile=str(authority.file))
        if name is not None:
            certificate, key = authority.issue(name, f"{name}.test", uri)
            context.load_cert_chain(certificate, key)
        return context

    def listing(peer):
        return {"trino": {"who": {"issuer": "corp", "sub": trino, "azp": "trino", "peer": peer}, "may": ["config"]}}

    token, person = keycloak.client_token("trino"), keycloak.user_token("alice")
    with programs(listing(TRINO), edit=over_tls, tls=client()) as gate:
        for context, is_trino in ((client("trino", TRINO), True), (client("other", OTHER), False), (client("trino"), False),
                                  (client(), False)):
            gate.tls = context
            with gate.connect() as connection:
                for _ in range(2):
                    answer = connection.ask("GET", CONFIG, token=token)
                    if is_trino:
                        answer.expect(200)
                    else:
                        gate.expect_refusal(answer, 403, "program_peer")
                    # Persons come from anywhere.
                    connection.ask("GET", TABLE, token=person).expect(200)
        gate.tls = client("trino", TRINO)
        with gate.connect() as connection:
            def request():
                connection.ask("GET", CONFIG, token=token).expect(200)
            request()
            assert host_calls(gate.envoy, request).get("proxy_get_property") == 1
    # Without a URI it is the DNS name.
    with programs(listing("trino.test"), edit=over_tls, tls=client("trino")) as gate:
        gate.ask("GET", CONFIG, token=token).expect(200)
        gate.tls = client("trino", TRINO)
        gate.expect_refusal(gate.ask("GET", CONFIG, token=token), 403, "program_peer")


def test_the_connection_is_not_asked_for_where_no_program_is_held_to_it(programs, keycloak, recorded, trino):
    services = {"trino": {"who": {"issuer": "corp", "sub": trino, "azp": "trino"}, "may": ["config"]}}
    token = keycloak.client_token("trino")
    with programs(services) as gate, gate.connect() as connection:
        def request():
            connection.ask("GET", CONFIG, token=token).expect(200)
        request()
        assert "proxy_get_property" not in host_calls(gate.envoy, request)
