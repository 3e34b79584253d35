"""No token and no secret of the engines is found in anything that the gates or their Envoys wrote. Always the last file."""


def test_nothing_that_the_gates_wrote_holds_a_token_or_a_secret(canaries, lake_gate):
    lake_gate.gate.keep_admin()
    assert len(canaries.words) > 20
    names = {file.name for file in canaries.files()}
    assert {"access.log", "envoy.log", "admin-config_dump.txt", "admin-stats.txt"} <= names
    assert canaries.found() == []
