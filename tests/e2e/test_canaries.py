"""No token and no secret is found in anything that the gate or its Envoy wrote. Always the last file to run."""

from canaries import Canaries


def test_the_search_finds_what_was_planted(tmp_path):
    canaries = Canaries()
    canaries.folders.append(tmp_path)
    canaries.plant("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6MTIzNDU2Nzg5MH0.c2lnbmF0dXJlLXNpZ25hdHVyZQ")
    canaries.plant_credential("icegate", "a secret")
    (tmp_path / "clean.log").write_text("eyJhbGciOiJFUzI1NiJ9 refused\n")
    assert canaries.found() == []

    (tmp_path / "a.log").write_text("one\ntwo eyJzdWIiOiJhbGljZSIsImV4cCI6MTIzNDU2Nzg5MH0\n")
    (tmp_path / "b.log").write_text("c2lnbmF0dXJlLXNpZ25hdHVyZQ")
    (tmp_path / "c.log").write_text("Basic aWNlZ2F0ZTphK3NlY3JldA==")
    assert canaries.found() == [f"{tmp_path}/a.log: line 2", f"{tmp_path}/b.log: line 1", f"{tmp_path}/c.log: line 1"]


def test_nothing_that_the_gates_wrote_holds_a_token_or_a_secret(canaries, gate, keycloak):
    gate.envoy.set_log_level("trace", "wasm")
    for token in (keycloak.user_token("alice"), keycloak.user_token("alice", scope="to-other")):
        gate.ask("GET", "/iceberg/v1/config", token=token).expect(200, 401)
        gate.ask("GET", f"/iceberg/v1/config?access_token={token}").expect(400)
    gate.wait_for_access(path="/iceberg/v1/config", status=400)
    gate.keep_admin()

    assert len(canaries.words) > 20
    names = {file.name for file in canaries.files()}
    assert {"access.log", "replies.log", "envoy.log", "admin-config_dump.txt", "admin-stats.txt"} <= names
    assert canaries.found() == []
