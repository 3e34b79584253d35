"""The hot path in host calls: what a cached request asks of Envoy, counted in Envoy's own trace."""

import http.client

from bench.figures import host_calls

from gate import NAMESPACES, Gate
from tenants import nessie_configuration

from stack.tenants import prefix

# Calls that bring data from the host into the module; all others only change something there.
RETURN_DATA = {
    "proxy_get_header_map_pairs", "proxy_get_header_map_value", "proxy_get_buffer_bytes", "proxy_get_property",
    "proxy_get_shared_data", "proxy_call_foreign_function", "proxy_get_current_time_nanoseconds", "clock_time_get",
}


def test_a_cached_request_makes_at_most_four_host_calls_that_return_data(tmp_path, lake):
    token = lake.keycloak.user_token("alice")
    with Gate(tmp_path, lake.keycloak, catalog=lake.nessie.port) as gate:
        # One connection stays with one worker, and so with one cache.
        connection = http.client.HTTPConnection("127.0.0.1", gate.port, timeout=30)

        def request() -> None:
            connection.request("GET", NAMESPACES, headers={"authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200

        cold = host_calls(gate.envoy, request)
        assert "proxy_http_call" in cold, "the first request exchanges"
        cached = host_calls(gate.envoy, request)

    assert "proxy_http_call" not in cached
    expect_few(cached)


def test_tenants_and_grants_cost_no_further_call_and_the_audit_only_its_own(tmp_path, keycloak, two):
    token, calls = keycloak.user_token("alice"), {}
    for audit in ({}, {"lines": "refusals"}, {"lines": "all"}, {"filter_state": True}):
        change = {**nessie_configuration(), "audit": audit}
        with Gate(tmp_path / str(len(calls)), keycloak, catalog=two.nessie.port, change=change) as gate, gate.connect() as one:
            def request() -> None:
                one.ask("GET", f"/iceberg/v1/{prefix('acme')}/namespaces", token=token).expect(200)
            request()
            calls[len(calls)] = host_calls(gate.envoy, request)

    nothing, refusals, lines, state = calls.values()
    expect_few(nothing)
    assert refusals == nothing
    assert lines == {**nothing, "proxy_log": 1}
    # decision, operation, issuer, subject, name, kind, proof, tenant, catalog, warehouse, rule
    assert state == {**nothing, "proxy_set_property": 11}


def expect_few(cached: dict[str, int]) -> None:
    """What any cached request may ask of the host."""
    assert cached["proxy_replace_header_map_value"] == 1, "one header is replaced"
    returning = {name: count for name, count in cached.items() if name in RETURN_DATA}
    assert sum(returning.values()) <= 4, returning
    unknown = set(cached) - RETURN_DATA - {"proxy_replace_header_map_value", "proxy_remove_header_map_value"}
    assert not unknown, f"host calls that a cached request needs not: {unknown}"
