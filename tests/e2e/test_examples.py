"""The files in `envoy/` that an operator copies: they start as they are, but for ports, paths and hosts."""

import base64
import json
import ssl

import pytest
import yaml
from bootstrap import cluster, connection_manager, filter_configuration, listener, merged, move_cluster, virtual_hosts
from gate import COMMIT, EXAMPLES, NAMESPACES, TYPES, until
from tenants import address, commit, nessie_configuration, set_property
from tls import Authority, tls_front

from stack.keycloak import claims
from stack.standin import CLOSE, Hang, Reply, Standin
from stack.tenants import prefix

CONFIG = "/iceberg/v1/config"
HOST, IDP, CATALOG = "catalog.example.com", "idp.example.com", "nessie.internal.example.com"


def test_the_smallest_one_starts_and_serves(gate, keycloak):
    said = gate.ask("GET", f"{CONFIG}?warehouse=warehouse", token=keycloak.user_token("alice")).expect(200).json()
    assert said["defaults"]["prefix"] == "main%7Cwarehouse"


def test_the_one_with_tenants_starts_and_tells_them_apart(gates, keycloak, tenant_lake):
    with gates(catalog=tenant_lake.nessie.port, example="tenants.yaml") as gate:
        def configuration(person, warehouse):
            return gate.ask("GET", f"{CONFIG}?warehouse={warehouse}", token=keycloak.user_token(person))
        assert configuration("alice", "acme").expect(200).json()["defaults"]["prefix"] == "acme%7Cacme"
        assert configuration("bob", "globex").expect(200).json()["defaults"]["prefix"] == "globex%7Cglobex"
        sentence = gate.expect_refusal(configuration("bob", "acme"), 403, "outside_border")
        assert sentence == "bob (tenant globex) may not use lake/acme: it is not within the tenant's border"
        assert '"refusal":"outside_border"' in gate.wait_for_log("icegate audit ")


# -- the hardened one ----------------------------------------------------------------------------------------------------


class Hardened:
    """The hardened example, its certificates, and TLS in front of the identity provider and the catalog."""

    def __init__(self, folder, gates, keycloak, catalog_port):
        self.folder, self.keycloak = folder, keycloak
        self.authority = Authority(folder / "tls")
        self.authority.issue("gate", HOST)
        self.front, self.ports = tls_front(folder / "front", self.authority, {IDP: keycloak.port, CATALOG: catalog_port})
        self.write_credential(*keycloak.credential("icegate"))
        tls = ssl.create_default_context(cafile=str(self.authority.file))
        self._options = {"catalog": self.ports[CATALOG], "idp": self.ports[IDP], "example": "hardened.yaml", "tls": tls,
                         "host": HOST, "secret": ""}
        self._gates = gates

    def gate(self, edit=lambda bootstrap: None):
        """The example with the ports, paths and hosts of this machine, and what `edit` does to it."""
        def local(bootstrap):
            text = json.dumps(bootstrap)
            text = text.replace("/etc/icegate/tls", str(self.authority.folder)).replace("/etc/icegate", str(self.folder))
            bootstrap.clear()
            bootstrap.update(json.loads(text))
            move_cluster(bootstrap, "idp_exchange", self.ports[IDP])
            edit(bootstrap)
        return self._gates(edit=local, **self._options)

    def write_credential(self, name, secret):
        """The file that the credential injector reads, replaced in one step."""
        basic = "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()
        content = {"resources": [{
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", "name": "idp-client",
            "generic_secret": {"secret": {"inline_string": basic}}}]}
        fresh = self.folder / "idp-client.new"
        fresh.write_text(yaml.safe_dump(content))
        fresh.replace(self.folder / "idp-client.yaml")


@pytest.fixture(scope="module")
def catalog():
    """A catalog that keeps what it was sent."""
    with Standin().on("*", Reply.json({})) as started:
        yield started


@pytest.fixture(scope="module")
def hardened(gates, keycloak, catalog, tmp_path_factory):
    """The parts of the example."""
    parts = Hardened(tmp_path_factory.mktemp("hardened"), gates, keycloak, catalog.port)
    with parts.front:
        yield parts


@pytest.fixture(scope="module")
def hard(hardened):
    """The hardened gate, running."""
    with hardened.gate() as started:
        yield started


@pytest.fixture
def token(keycloak):
    """Alice's token."""
    return keycloak.user_token("alice")


@pytest.fixture
def asked(catalog):
    """The catalog, agreeing to everything, with an empty record."""
    catalog.clear()
    catalog.on("*", Reply.json({}))
    yield catalog
    catalog.on("*", Reply.json({}))
    catalog.release()


def test_it_serves_over_tls_and_the_secret_never_enters_the_filter(hard, hardened, keycloak, token, asked):
    hard.ask("GET", CONFIG, token=token).expect(200)
    (seen,) = asked.requests()
    minted = seen.header("authorization").removeprefix("Bearer ")
    assert (claims(minted)["aud"], claims(minted)["azp"]) == ("catalog", "icegate")
    assert claims(minted)["preferred_username"] == "alice"
    assert (seen.header("host"), seen.header("x-forwarded-host")) == (HOST, HOST)
    assert seen.header("x-forwarded-proto") == "https"

    written = (hard.envoy.folder / "envoy.yaml").read_text()
    for secret in (keycloak.credential("icegate")[1], base64.b64encode(b"icegate:icegate-secret").decode()):
        assert secret not in written and secret not in json.dumps(hard.envoy.config_dump())
        assert secret in (hardened.folder / "idp-client.yaml").read_text() or secret == "icegate-secret"


def test_a_rotated_credential_is_used_without_a_restart(hard, hardened, keycloak, canaries, asked):
    def served():
        return hard.ask("GET", CONFIG, token=keycloak.user_token("bob")).status == 200

    canaries.plant_credential("icegate", "rotated-by-the-operator")
    keycloak.admin.set_client_secret("icegate", "rotated-by-the-operator")
    try:
        assert not served()
        hardened.write_credential("icegate", "rotated-by-the-operator")
        until(served, 15)
    finally:
        name, secret = keycloak.credential("icegate")
        keycloak.admin.set_client_secret(name, secret)
        hardened.write_credential(name, secret)
        until(lambda: all([served() for _ in range(5)]), 15)


@pytest.mark.parametrize(("part", "name"), [("idp", "keys_unavailable"), ("catalog", None)])
def test_a_stranger_with_a_good_certificate_of_another_name_gets_nothing(hardened, token, asked, part, name):
    def another_name(bootstrap):
        move_cluster(bootstrap, part, hardened.ports[CATALOG if part == "idp" else IDP])
        filter_configuration(bootstrap)["value"]["limits"] = {"request_deadline": "1s", "exchange_timeout": "500ms"}

    with hardened.gate(another_name) as gate:
        answer = gate.ask("GET", CONFIG, token=token)
        assert answer.status == 503 and "retry-after" in answer.headers
        if name:
            gate.wait_for_access(path=CONFIG, details=name)
        assert gate.envoy.stat(f"cluster.{part}.ssl.fail_verify_san") >= 1
        assert asked.requests() == []


def test_it_holds_tenants_and_reads_bodies_larger_than_its_buffers(hardened, keycloak, asked):
    def tenants(bootstrap):
        configuration = filter_configuration(bootstrap)
        configuration["value"] = merged(configuration["value"], nessie_configuration())

    body = json.dumps(commit(set_property("comment", "x" * 1_000_000)), indent=1).encode()
    with hardened.gate(tenants) as gate:
        alice, bob = keycloak.user_token("alice"), keycloak.user_token("bob")
        assert gate.bootstrap["static_resources"]["listeners"][0]["per_connection_buffer_limit_bytes"] < len(body)
        for tenant, token, status in (("acme", alice, 200), ("globex", alice, 403), ("acme", bob, 403), ("globex", bob, 200)):
            target = address(f"/iceberg/v1/{prefix(tenant)}", ("raw",), "t")
            assert gate.ask("POST", target, token=token, body=body).status == status
    assert [(seen.path.partition("/namespaces")[0], seen.body == body) for seen in asked.requests()] == [
        ("/iceberg/v1/acme%7Cacme", True), ("/iceberg/v1/globex%7Cglobex", True)]


def test_prometheus_has_labels(hard, token, asked):
    hard.ask("GET", CONFIG, token=token).expect(200)
    hard.ask("GET", CONFIG)
    hard.wait_for_access(path=CONFIG, details="token_missing")
    expected = [
        'icegate_refusals{refusal="token_missing"}',
        'icegate_requests{catalog="lake",verdict="forwarded"}',
        'icegate_requests{catalog="NONE",verdict="refused"}',
        'icegate_exchanges{issuer="corp",outcome="minted"}',
        'icegate_key_fetches{issuer="corp",outcome="ok"}',
        'icegate_cache{event="miss"}', 'icegate_catalog_unauthorized{catalog="lake"}', 'icegate_cache_entries{}',
    ]
    shown = hard.envoy.prometheus()
    assert [name for name in expected if f"\n{name} " not in shown] == []
    assert 'icegate_exchange_ms_bucket{issuer="corp",le=' in shown


def test_a_browser_may_ask_before_it_has_a_token(hard):
    asks = [("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "authorization")]
    allowed = hard.ask("OPTIONS", CONFIG, headers=[("Origin", "https://notebooks.example.com"), *asks])
    assert allowed.status == 200
    assert allowed.headers["access-control-allow-origin"] == "https://notebooks.example.com"
    stranger = hard.ask("OPTIONS", CONFIG, headers=[("Origin", "https://evil.example.net"), *asks])
    assert stranger.status == 401 and "access-control-allow-origin" not in stranger.headers


# -- Envoy's own answers -------------------------------------------------------------------------------------------------


def expect_iceberg(answer, status, kind):
    """An answer of Envoy's that Iceberg clients can read."""
    assert answer.status == status, answer.text()
    assert answer.headers.get_all("content-type") == ["application/json"]
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code"}
    assert (error["type"], error["code"]) == (kind, status)
    assert ("retry-after" in answer.headers) == (status in (429, 503))


def test_the_gates_own_answers_stay_as_they_are(hard, token):
    for path, headers, status, name in [
        (CONFIG, [], 401, "token_missing"),
        ("/iceberg/v1//config", [("Authorization", "Bearer a.b.c")], 400, "path_empty_segment"),
        ("/elsewhere", [("Authorization", "Bearer a.b.c")], 404, "path_outside"),
    ]:
        hard.expect_refusal(hard.ask("GET", path, headers=headers), status, name)


def test_a_host_that_is_not_served_is_a_404_of_icebergs(hard, token):
    hard.host, host = "elsewhere.example.com", hard.host
    connection = None
    try:
        hard.tls.check_hostname = False
        with hard.connect() as connection:
            expect_iceberg(connection.ask("GET", CONFIG, token=token), 404, "NotFoundException")
    finally:
        hard.host, hard.tls.check_hostname = host, True


def test_a_header_with_an_underscore_is_refused(hard, token):
    answer = hard.ask("GET", CONFIG, token=token, headers=[("X_Forwarded_Host", "evil")])
    assert answer.status == 400


def test_a_catalog_that_cannot_be_reached(hardened, token, asked):
    def nobody_there(bootstrap):
        move_cluster(bootstrap, "catalog", 1)

    with hardened.gate(nobody_there) as gate:
        expect_iceberg(gate.ask("GET", CONFIG, token=token), 503, "ServiceUnavailableException")
        expect_iceberg(gate.ask("POST", COMMIT, token=token, body=b"{}"), 429, "TooManyRequestsException")
        head = gate.ask("HEAD", f"{NAMESPACES}/n", token=token)
        assert (head.status, head.body) == (503, b"")


def test_a_catalog_that_breaks_off_leaves_a_writes_state_unknown_and_says_so(hard, token, asked):
    asked.on("*", CLOSE)
    expect_iceberg(hard.ask("GET", CONFIG, token=token), 503, TYPES[503])
    expect_iceberg(hard.ask("POST", COMMIT, token=token, body=b"{}"), 504, "ServiceFailureException")


def test_a_catalog_that_hangs_is_waited_for_as_long_as_the_route_says(hardened, token, asked):
    def soon(bootstrap):
        virtual_hosts(bootstrap)[0]["routes"][0]["route"]["timeout"] = "0.5s"

    asked.on("*", Hang())
    with hardened.gate(soon) as gate:
        expect_iceberg(gate.ask("POST", COMMIT, token=token, body=b"{}"), 504, "ServiceFailureException")


# -- what the file must have ---------------------------------------------------------------------------------------------


def test_what_makes_it_hardened_is_there():
    bootstrap = yaml.safe_load((EXAMPLES / "hardened.yaml").read_text())
    manager = connection_manager(bootstrap)
    assert (manager["normalize_path"], manager["merge_slashes"]) == (False, False)
    assert manager["path_with_escaped_slashes_action"] == "KEEP_UNCHANGED"
    assert manager["use_remote_address"] is True
    assert "upgrade_configs" not in manager and "stream_idle_timeout" not in manager
    assert [one["name"] for one in manager["http_filters"]] == [
        "envoy.filters.http.cors", "icegate", "envoy.filters.http.router"]
    assert listener(bootstrap)["per_connection_buffer_limit_bytes"] == 262144
    assert bootstrap["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"
    for name in ("catalog", "idp", "idp_exchange"):
        context = cluster(bootstrap, name)["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"]
        assert context["trusted_ca"] and context["match_typed_subject_alt_names"]
    text = (EXAMPLES / "hardened.yaml").read_text().lower()
    assert "fail_reload" in text and "host_env_keys" not in text
    assert "%req(authorization)%" not in text


@pytest.mark.parametrize("example", ["smallest.yaml", "hardened.yaml"])
def test_every_example_keeps_a_failed_vm_closed(example):
    policies = [line.split(":")[1].strip() for line in (EXAMPLES / example).read_text().splitlines()
                if line.strip().startswith("failure_policy:")]
    assert policies == ["FAIL_RELOAD"]
