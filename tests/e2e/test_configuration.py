"""How the filter's configuration loads, is refused, and is replaced while requests are under way."""

import threading
import time

import pytest
from gate import Connection, IdpProxy, until
from updates import Updated

from stack.parts import NotReady

CONFIG = "/iceberg/v1/config"


# -- at start ------------------------------------------------------------------------------------------------------------


def test_a_bad_configuration_does_not_load_and_every_fault_is_told_with_its_place(gates, recorder, canaries):
    inline = canaries.plant("written-inline-by-mistake")
    change = {
        "issuers": {"corp": {"audiences": [], "leeway": "5m", "client": {"secret": inline}, "algorithms": ["none"]}},
        "catalogs": {"lake": {"kind": "nessy", "token": {"from": "corporation"}}},
        "acess": "catalog_decides", "access": None, "limits": {"waiters": 0},
    }
    gate = gates(catalog=recorder.port, change=change)
    with pytest.raises(NotReady, match="ended with code 1"):
        gate.__enter__()
    lines = [line.partition("icegate: configuration: ")[2] for line in gate.log_lines("icegate: configuration: ")]
    places = [line.partition(": ")[0] for line in lines]
    assert places == sorted(places)
    assert set(places) == {
        "access", "acess", "catalogs.lake.kind", "catalogs.lake.token.from", "issuers.corp.algorithms[0]",
        "issuers.corp.audiences", "issuers.corp.client.secret", "issuers.corp.leeway", "limits.waiters",
    }
    assert any("must name at least one audience" in line for line in lines)
    assert inline not in gate.envoy.log_text()


def test_a_secret_that_is_not_in_the_environment_is_a_fault(gates, recorder):
    change = {"issuers": {"corp": {"client": {"secret": {"env": "NO_SUCH_SECRET"}}}}}
    gate = gates(catalog=recorder.port, change=change)
    with pytest.raises(NotReady):
        gate.__enter__()
    (line,) = set(line.partition("icegate: configuration: ")[2] for line in gate.log_lines("icegate: configuration: "))
    assert line.startswith("issuers.corp.client.secret") and "NO_SUCH_SECRET" in line


def test_a_configuration_as_a_string_works_as_well(gates, keycloak, recorder):
    with gates(catalog=recorder.port, form="string") as gate:
        gate.ask("GET", CONFIG, token=keycloak.user_token("alice")).expect(200)


# -- while it runs -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def idp(keycloak):
    """Keycloak, through a stand-in that can hold its answers back."""
    with IdpProxy(keycloak) as started:
        yield started


@pytest.fixture
def updated(gates, idp, recorder, tmp_path):
    """A gate with the default configuration, to be updated."""
    one = Updated(gates, tmp_path, catalog=recorder.port, idp=idp.port)
    with one.gate:
        yield one


def test_a_good_update_takes_over_and_a_bad_one_leaves_the_last_good_one_running(updated, keycloak, recorded):
    gate, token = updated.gate, keycloak.user_token("alice")
    gate.ask("GET", CONFIG, token=token).expect(200)

    updated.change({"issuers": {"corp": {"audiences": []}}, "nonsense": 1})
    line = gate.wait_for_log("icegate: configuration: issuers.corp.audiences")
    assert "error]" in line and gate.log_lines("icegate: configuration: nonsense")
    until(lambda: updated.outcomes("config_fail") + updated.outcomes("update_rejected") >= 1)
    for _ in range(10):
        gate.ask("GET", CONFIG, token=token).expect(200)

    updated.change({"issuers": {"corp": {"audiences": ["somebody-else"]}}})
    until(lambda: gate.ask("GET", CONFIG, token=token).status == 401)
    gate.expect_refusal(gate.ask("GET", CONFIG, token=token), 401, "audience_mismatch")

    updated.change({})
    until(lambda: gate.ask("GET", CONFIG, token=token).status == 200)


def test_requests_that_wait_during_an_update_are_served_by_the_old_configuration(updated, idp, keycloak, recorded):
    gate, token, let_go = updated.gate, keycloak.user_token("alice"), threading.Event()

    def hold(seen):
        let_go.wait(20)
        return idp.pass_on(seen)
    idp.clear()
    idp.on(idp.token_path, hold)
    try:
        waiting = [Connection(gate) for _ in range(8)]
        for connection in waiting:
            connection.send("GET", CONFIG, token=token)
        idp.wait_for(idp.token_path, 1)
        until(lambda: gate.count("icegate_cache.event.miss") == 8)
        loaded = len(gate.log_lines("keys loaded"))
        updated.change({"issuers": {"corp": {"audiences": ["somebody-else"]}}})
        until(lambda: len(gate.log_lines("keys loaded")) == loaded + 3)  # two workers and Envoy's main thread
        let_go.set()
        answers = [connection.read() for connection in waiting]
        assert [answer.status for answer in answers] == [200] * 8, answers[0].text()
        assert gate.ask("GET", CONFIG, token=token).status == 401
    finally:
        let_go.set()
        idp.on(idp.token_path, idp.pass_on)


def test_the_deadline_of_a_request_that_waits_during_an_update_is_kept(updated, idp, keycloak, recorded):
    gate, token, let_go = updated.gate, keycloak.user_token("alice"), threading.Event()
    updated.change({"limits": {"request_deadline": "2s", "exchange_timeout": "1900ms"}})
    time.sleep(0.5)

    def hold(seen):
        let_go.wait(20)
        return idp.pass_on(seen)
    idp.clear()
    idp.on(idp.token_path, hold).on(idp.jwks_path, hold)
    try:
        with gate.connect() as waiting:
            waiting.send("GET", CONFIG, token=token)
            began = time.monotonic()
            time.sleep(0.3)
            updated.change({})
            assert waiting.read().status == 503
            assert 1.5 < time.monotonic() - began < 3.5
    finally:
        let_go.set()
        idp.on(idp.token_path, idp.pass_on).on(idp.jwks_path, idp.pass_on)
