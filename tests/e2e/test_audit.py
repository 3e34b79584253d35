"""What the gate tells about requests: lines of JSON, and names in Envoy's filter state."""

import json
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from bootstrap import connection_manager
from gate import until
from tenants import address, commit, name, nessie_configuration, set_property
from updates import Updated

from stack.keycloak import claims
from stack.standin import CLOSE, Hang, Reply
from stack.tenants import TENANTS, prefix

pytestmark = pytest.mark.usefixtures("left_as_it_was")
JSON = ("Content-Type", "application/json")
ACME = f"/iceberg/v1/{prefix('acme')}"
RECORDED = f"/recorded/v1/{prefix('acme')}"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
STATE = ("decision", "operation", "issuer", "subject", "name", "kind", "proof", "service", "actor", "tenant", "catalog", "warehouse",
         "refusal", "rule", "report_only")
RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"


def configuration(**audit):
    """Both tenants at Nessie, and what they reach at the recorder, where acme's warehouses have other names."""
    change = nessie_configuration()
    change["catalogs"] = {"recorder": {
        "kind": "nessie", "base_path": "/recorded", "token": {"from": "corp", "audience": "catalog"}}}
    for tenant in TENANTS:
        change["tenants"][tenant]["reach"]["recorder"] = [f"{tenant}|{tenant}"]
    change["grants"][1]["may"] = ["read"]
    return {**change, "issuers": {"corp": {"leeway": "0s"}}, "audit": audit}


def show_state(bootstrap):
    """Envoy's access log shows the filter state."""
    (log,) = connection_manager(bootstrap)["access_log"]
    log["typed_config"]["log_format"]["json_format"].update(
        {f"state.{name}": f"%FILTER_STATE(wasm.icegate.{name}:PLAIN)%" for name in STATE})


def lines(gate):
    """The lines of the audit, oldest first."""
    return [json.loads(line.partition("icegate audit ")[2]) for line in gate.log_lines("icegate audit ")]


@pytest.fixture(scope="module")
def audited(gates, two, recorder):
    """A gate that tells everything."""
    with gates(catalog=two.nessie.port, change=configuration(lines="all", filter_state=True), edit=show_state,
               clusters={"recorder": recorder.port}, routes={"/recorded": "recorder"}) as started:
        yield started


@pytest.fixture
def told(audited):
    """Sends a request on a connection, and gives the answer and what was told about it, the part that is always there apart."""
    def send(connection, method, target, token, content=None, headers=()):
        before = len(lines(audited))
        body = b"" if content is None else json.dumps(content).encode()
        answer = connection.ask(method, target, token=token, headers=[JSON, *headers], body=body)
        until(lambda: len(lines(audited)) > before)
        (line,) = lines(audited)[before:]
        at = datetime.fromisoformat(line.pop("time"))
        assert abs(datetime.now(UTC) - at) < timedelta(seconds=5)
        logged = audited.wait_for_access(id=line.pop("reference"))
        assert re.fullmatch("[0-9a-f]{16}", line.pop("generation"))
        state = {name: logged[f"state.{name}"] for name in STATE if logged[f"state.{name}"] is not None}
        return answer, line, state
    return send


def who(token, **more):
    """What is told of a person."""
    return {"issuer": "corp", "subject": claims(token)["sub"], "name": claims(token)["preferred_username"], "kind": "person",
            "proof": "own_token", "service": None, "token_id": claims(token)["jti"], **more}


NOTHING = {"actor": None, "tenant": None, "catalog": None, "warehouse": None, "places": [], "delegation": None, "refusal": None, "rule": None,
           "report_only": None, "cached": None, "minted_id": None, "traceparent": None}
ACMES = {**NOTHING, "tenant": "acme", "catalog": "lake", "warehouse": "acme|acme"}


def test_a_read_and_the_same_from_the_cache(audited, told, keycloak, recorded):
    token, target = keycloak.user_token("alice"), f"{RECORDED}/namespaces/raw"
    with audited.connect() as connection:
        answer, first, _ = told(connection, "GET", target, token, headers=[("traceparent", TRACE)])
        answer.expect(200)
        answer, second, state = told(connection, "GET", target, token)
        answer.expect(200)
    minted = claims(recorded.requests()[0].header("authorization").removeprefix("Bearer "))["jti"]
    expected = {**ACMES, **who(token), "catalog": "recorder", "operation": "loadNamespaceMetadata",
                "places": ["loadNamespaceMetadata .raw"], "decision": "forwarded", "rule": "grants[0]", "status": 200,
                "minted_id": minted}
    assert first == {**expected, "cached": False, "traceparent": TRACE}
    assert second == {**expected, "cached": True}
    assert state == {
        "decision": "forwarded", "operation": "loadNamespaceMetadata", "issuer": "corp", "subject": claims(token)["sub"],
        "name": "alice", "kind": "person", "proof": "own_token", "tenant": "acme", "catalog": "recorder", "warehouse": "acme|acme",
        "rule": "grants[0]"}


def test_commits_and_what_they_name(audited, told, keycloak):
    token = keycloak.user_token("alice")
    change = commit(set_property("audited", "yes"))
    with audited.connect() as connection:
        answer, one, _ = told(connection, "POST", address(ACME, ("raw",), "t"), token, change)
        answer.expect(200)
        answer, several, _ = told(connection, "POST", f"{ACME}/transactions/commit", token, {"table-changes": [
            {"identifier": name(["raw"], "t"), **change}, {"identifier": name(["mart"], "sales"), **change}]})
        answer.expect(204)
    for line, operation, places, status in (
        (one, "updateTable", ["updateTable .raw.t"], 200),  # its token had to be minted
        (several, "commitTransaction", ["commitTransaction .raw.t", "updateTable .raw.t", "commitTransaction .mart.sales",
                                        "updateTable .mart.sales"], 204),
    ):
        assert isinstance(line["minted_id"], str)
        assert line == {**ACMES, **who(token), "operation": operation, "places": places, "decision": "forwarded",
                        "rule": "grants[0]", "status": status, "cached": line is several, "minted_id": line["minted_id"]}


def test_a_refusal_by_a_grant_and_one_at_the_border(audited, told, keycloak):
    token = keycloak.user_token("carol")
    with audited.connect() as connection:
        answer, denied, state = told(connection, "GET", address(ACME, ("pii",), "people"), token)
        audited.expect_refusal(answer, 403, "grant_denied")
        answer, outside, outside_state = told(connection, "GET", f"/iceberg/v1/{prefix('globex')}/namespaces", token)
        audited.expect_refusal(answer, 403, "outside_border")
    assert denied == {**ACMES, **who(token), "operation": "loadTable", "places": ["loadTable .pii.people"],
                      "decision": "refused", "refusal": "grant_denied", "rule": "grants[4]", "status": 403}
    assert state == {
        "decision": "refused", "operation": "loadTable", "issuer": "corp", "subject": claims(token)["sub"], "name": "carol",
        "kind": "person", "proof": "own_token", "tenant": "acme", "catalog": "lake", "warehouse": "acme|acme",
        "refusal": "grant_denied", "rule": "grants[4]"}
    # Whose warehouse it would be is nobody's business.
    assert outside == {**NOTHING, **who(token), "catalog": "lake", "operation": "listNamespaces", "decision": "refused",
                       "refusal": "outside_border", "status": 403}
    assert "tenant" not in outside_state and "warehouse" not in outside_state


def test_an_unknown_caller(audited, told, keycloak):
    with audited.connect() as connection:
        token = keycloak.user_token("alice", scope="to-other")
        answer, line, state = told(connection, "DELETE", address(ACME, ("raw",), "t"), token)
    audited.expect_refusal(answer, 401, "audience_mismatch")
    assert line == {**NOTHING, "catalog": "lake", "operation": "dropTable", "decision": "refused",
                    "refusal": "audience_mismatch", "status": 401}
    assert state == {"decision": "refused", "operation": "dropTable", "catalog": "lake", "refusal": "audience_mismatch"}


def test_a_token_that_ended_while_it_was_known(audited, told, keycloak):
    """Who it was is known from when it was verified."""
    token = keycloak.user_token("alice", client="engine-short")
    with audited.connect() as connection:
        told(connection, "GET", f"{ACME}/namespaces", token)
        while time.time() < claims(token)["exp"] + 0.1:
            time.sleep(0.1)
        for method, operation in (("POST", "createNamespace"), ("GET", "listNamespaces")):
            _, line, _ = told(connection, method, f"{ACME}/namespaces", token)
            assert line == {**NOTHING, **who(token), "catalog": "lake", "operation": operation, "decision": "refused",
                            "refusal": "token_expired", "status": 401}


def test_an_answer_that_the_gate_refused(audited, told, keycloak, recorded):
    token = keycloak.user_token("alice")
    recorded.on("/recorded/v1/config", Reply(200, b"<html>", {"Content-Type": "text/html"}))
    with audited.connect() as connection:
        answer, line, _ = told(connection, "GET", "/recorded/v1/config?warehouse=acme", token)
    assert answer.status == 503 and answer.json()["error"]["code"] == 503
    assert line == {**ACMES, **who(token), "catalog": "recorder", "operation": "getConfig", "places": ["getConfig"],
                    "decision": "refused", "refusal": "answer_unreadable", "status": 503, "cached": False,
                    "minted_id": line["minted_id"]}


def test_what_the_client_got_when_the_catalog_gave_nothing(audited, told, keycloak, recorded):
    token, target = keycloak.user_token("alice"), f"{RECORDED}/namespaces/raw"
    recorded.on("*", CLOSE)
    with audited.connect() as connection:
        answer, line, _ = told(connection, "GET", target, token)
        assert (answer.status, line["status"], line["decision"], line["refusal"]) == (503, 503, "forwarded", None)
    # And when the client did not wait for it.
    recorded.on("*", Hang())
    before = len(lines(audited))
    with audited.connect() as connection:
        connection.send("GET", target, token=token)
        recorded.wait_for(None, 2)
    until(lambda: len(lines(audited)) > before)
    (line,) = lines(audited)[before:]
    assert (line["status"], line["decision"], line["operation"]) == (None, "forwarded", "loadNamespaceMetadata")
    recorded.release()


def test_a_delegation_that_was_taken_off(audited, told, keycloak):
    token = keycloak.user_token("carol")
    with audited.connect() as connection:
        answer, line, _ = told(connection, "GET", address(RECORDED, ("raw",), "t"), token)
    answer.expect(200)
    assert line == {**ACMES, **who(token), "catalog": "recorder", "operation": "loadTable", "places": ["loadTable .raw.t"],
                    "delegation": "client-managed", "decision": "forwarded", "rule": "grants[1]", "status": 200,
                    "cached": False, "minted_id": line["minted_id"]}


def test_a_grant_that_is_only_reported(gates, two, keycloak):
    change = {**configuration(lines="all", filter_state=True), "report_only": {"grants": True}}
    token = keycloak.user_token("carol")
    with gates(catalog=two.nessie.port, change=change, edit=show_state) as gate:
        gate.ask("HEAD", address(ACME, ("pii",), "people"), token=token).expect(204)
        logged = gate.wait_for_access(method="HEAD")
        (line,) = lines(gate)
    assert (line["decision"], line["refusal"], line["report_only"], line["status"]) == ("forwarded", None, "grant_denied", 204)
    assert (logged["state.decision"], logged["state.report_only"]) == ("forwarded", "grant_denied")


def test_which_requests_have_a_line(gates, two, recorder, recorded, keycloak, tmp_path):
    """`commits`: what may change something, and refusals. `refusals`: these alone. `none`: nothing."""
    token, engineer = keycloak.user_token("carol"), keycloak.user_token("alice")
    updated = Updated(gates, tmp_path, catalog=two.nessie.port, change=configuration(lines="commits"),
                      clusters={"recorder": recorder.port}, routes={"/recorded": "recorder"})
    with updated.gate as gate:
        def tell(wanted):
            before = len(lines(gate))
            gate.ask("GET", f"{ACME}/namespaces", token=token).expect(200)
            # A report changes nothing, whatever its method.
            gate.ask("POST", f"{address(RECORDED, ('raw',), 't')}/metrics", token=token).expect(200)
            gate.ask("POST", f"{RECORDED}/namespaces", token=engineer, headers=[JSON], body=b'{"namespace":["n"]}').expect(200)
            gate.ask("DELETE", address(ACME, ("raw",), "t"), token=token).expect(403)
            gate.wait_for_access(method="DELETE")
            return [line["operation"] for line in lines(gate)[before:]] == wanted
        until(lambda: tell(["createNamespace", "dropTable"]))
        updated.change({"audit": {"lines": "refusals"}})
        until(lambda: tell(["dropTable"]))
        updated.change({"audit": {"lines": "none"}})
        until(lambda: tell([]))


def test_filters_behind_the_gate_decide_by_its_filter_state(gates, two, keycloak):
    def only_acme(bootstrap):
        is_acme = {"filter_state": {"key": "wasm.icegate.tenant", "string_match": {"exact": "acme"}}}
        rbac = {"@type": RBAC, "rules": {"action": "ALLOW", "policies": {
            "acme": {"permissions": [{"any": True}], "principals": [is_acme]}}}}
        connection_manager(bootstrap)["http_filters"].insert(1, {"name": "rbac", "typed_config": rbac})

    with gates(catalog=two.nessie.port, change=configuration(filter_state=True), edit=only_acme) as gate:
        for person, tenant, status in (("alice", "acme", 200), ("bob", "globex", 403), ("alice", "acme", 200)):
            target = f"/iceberg/v1/{prefix(tenant)}/namespaces"
            answer = gate.ask("GET", target, token=keycloak.user_token(person))
            assert answer.status == status, (person, answer.text())
        assert answer.json()["namespaces"]
        refused = gate.wait_for_access(path=f"/iceberg/v1/{prefix('globex')}/namespaces")
        assert refused["details"] == "rbac_access_denied_matched_policy[none]"
        assert lines(gate) == []
