"""A catalog that means harm, or is broken: what it answers leads no client past the gate, holds nobody up, and does not
fill Envoy's memory. Beside it stands a server that no request may ever reach."""

import gzip
import http.client
import json
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from bootstrap import filter_configuration, gate_filter, listener, virtual_hosts
from gate import NAMESPACES, until
from pydantic import ValidationError
from pyiceberg.catalog import load_catalog
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

from stack import web
from stack.nessie import WAREHOUSE
from stack.standin import Flow, Reply, Standin

CONFIG, TABLE = "/iceberg/v1/config", f"{NAMESPACES}/ns/tables/t"
GOLDEN = Path(__file__).resolve().parents[1] / "native" / "golden" / "answers"
SCHEMA = Schema(NestedField(1, "id", LongType(), required=False))
METADATA = {
    "format-version": 2, "table-uuid": "b9f1cd1b-20cd-461b-bcee-80b9b2c2f0ce", "location": "s3://b/t",
    "last-sequence-number": 0, "last-updated-ms": 1771200000000, "last-column-id": 1, "current-schema-id": 0,
    "schemas": [{"type": "struct", "schema-id": 0,
                 "fields": [{"id": 1, "name": "id", "required": False, "type": "long"}]}],
    "default-spec-id": 0, "partition-specs": [{"spec-id": 0, "fields": []}], "last-partition-id": 999,
    "default-sort-order-id": 0, "sort-orders": [{"order-id": 0, "fields": []}], "properties": {},
}
# The configuration's route has this timeout; nothing here may take much longer.
ROUTE_SECONDS, PATIENCE = 4, 12
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def elsewhere():
    """Where every steering property leads: a catalog, an OAuth server, a signer, a proxy."""
    with Standin().on("*", Reply.json({"access_token": "stolen", "token_type": "bearer"})) as started:
        yield started


@pytest.fixture(scope="module")
def catalog():
    """The catalog that means harm."""
    with Standin() as started:
        yield started


@pytest.fixture(scope="module")
def hostile_gate(gates, catalog):
    """The gate before it. It knows its own address and may hold answers back."""
    with gates(catalog=catalog.port, change={"allow_on_headers_stop_iteration": True}, edit=_holds_answers) as started:
        yield started


def _holds_answers(bootstrap):
    config = gate_filter(bootstrap)["typed_config"]["config"]
    config["allow_on_headers_stop_iteration"] = True
    port = listener(bootstrap)["address"]["socket_address"]["port_value"]
    lake = filter_configuration(bootstrap)["value"]["catalogs"]["lake"]
    lake["public_url"] = f"http://127.0.0.1:{port}/iceberg"
    routes = virtual_hosts(bootstrap)[0]["routes"]
    routes.insert(0, {"match": {"prefix": CONFIG}, "route": {"cluster": "catalog", "timeout": f"{ROUTE_SECONDS}s"}})


@pytest.fixture(autouse=True)
def unharmed(hostile_gate, catalog, elsewhere, keycloak):
    """After each test: nobody went elsewhere, no VM died, and both workers serve at once."""
    elsewhere.clear()
    catalog.clear()
    created = hostile_gate.envoy.stats("wasm.*created")
    yield
    assert elsewhere.requests() == []
    assert hostile_gate.envoy.stats("wasm.*created") == created
    assert "panicked" not in hostile_gate.envoy.log_text()
    catalog.release()
    catalog.on(CONFIG, Reply.json({"defaults": {}, "overrides": {}}))
    for connection in hostile_gate.connections():
        with connection:
            connection.ask("GET", CONFIG, token=keycloak.user_token("alice")).expect(200)


@contextmanager
def within(seconds):
    """What is done here takes no longer."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


@contextmanager
def memory_bound(gate, mebibytes):
    """Envoy never holds so much more than before, not even for a moment."""
    status = Path(f"/proc/{gate.envoy.process.pid}/status")
    if not status.exists():
        pytest.skip("the peak of a process's memory is read from /proc")
    Path(f"/proc/{gate.envoy.process.pid}/clear_refs").write_text("5")  # the peak starts at what is held now

    def peak():
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    before = peak()
    yield
    grown = peak() - before
    assert grown < mebibytes * MIB, f"{grown / MIB:.0f} MiB more"


def hostile(name, elsewhere):
    """A golden answer whose addresses lead elsewhere."""
    text = (GOLDEN / name).read_text().replace("https://evil.test", elsewhere.url)
    return text.replace("evil.test", f"127.0.0.1:{elsewhere.port}")


def answers(catalog, path, behaviour):
    """What the catalog does at a path, whatever stood there before."""
    catalog.clear()
    return catalog.on(path, behaviour)


# -- nothing is followed -------------------------------------------------------------------------------------------------


def test_nothing_of_a_hostile_configuration_comes_through(hostile_gate, catalog, elsewhere, keycloak):
    answers(catalog, CONFIG, Reply(200, hostile("hostile-config.json", elsewhere).encode()))
    answer = hostile_gate.ask("GET", CONFIG, token=keycloak.user_token("alice")).expect(200)
    wanted = (GOLDEN / "hostile-config.guarded.json").read_text()
    wanted = wanted.replace("https://gate.example.com/iceberg", hostile_gate.url)
    assert answer.text() == wanted
    assert answer.headers["content-length"] == str(len(wanted.encode()))
    (seen,) = catalog.requests()
    assert seen.header("accept-encoding") is None
    line = hostile_gate.wait_for_log("operation=getConfig")
    assert "overrides.uri" in line and "and " in line and "CANARY" not in line


def test_nothing_of_a_hostile_table_comes_through(hostile_gate, catalog, elsewhere, keycloak):
    answers(catalog, TABLE, Reply(200, hostile("hostile-table.json", elsewhere).encode()))
    token = keycloak.user_token("alice")
    answer = hostile_gate.ask("GET", TABLE, token=token, headers=[("Accept-Encoding", "gzip")]).expect(200)
    # The fixture of the native tests knows another address as its own.
    assert answer.json()["config"] == {
        "s3.signer.endpoint": f"{hostile_gate.url}/v1/aws/s3/sign", "signer.endpoint": "v1/aws/s3/sign",
        "client.refresh-credentials-endpoint": "v1/lake/namespaces/n/tables/t/credentials", "s3.access-key-id": "key"}
    assert elsewhere.url not in answer.text()
    (seen,) = catalog.requests()
    assert seen.header("accept-encoding") is None


def test_what_is_taken_out_is_counted(hostile_gate, catalog, keycloak):
    lures = {"uri": "http://e.test", "token": "t", "header.X": "x", "ssl": False}
    answers(catalog, CONFIG, Reply.json({"overrides": lures}))
    names = ("address", "authentication", "header", "connection")
    before = [hostile_gate.count_so_far(f"icegate_answers_removed.why.{name}") for name in names]
    hostile_gate.ask("GET", CONFIG, token=keycloak.user_token("alice")).expect(200)
    for name, count in zip(names, before, strict=True):
        hostile_gate.wait_for_count(f"icegate_answers_removed.why.{name}", count + 1)


@pytest.fixture
def lures(catalog, elsewhere):
    """A catalog whose configuration and tables lead a real client elsewhere, in the ways that PyIceberg follows."""
    lure = {"uri": elsewhere.url, "oauth2-server-uri": f"{elsewhere.url}/token", "token": "stolen",
            "header.Authorization": "Bearer stolen", "header.X-Lured": "yes", "rest.sigv4-enabled": "false",
            "py-io-impl": "subprocess.Popen", "s3.signer": "S3V4RestSigner", "s3.signer.uri": elsewhere.url}
    catalog.on(CONFIG, Reply.json({"defaults": lure, "overrides": {**lure, "prefix": "main%7Cwarehouse"}}))
    catalog.on(NAMESPACES, Reply.json({"namespaces": [["ns"]]}))
    catalog.on(TABLE, Reply.json({
        "metadata-location": "s3://b/t/m.json", "metadata": {**METADATA, "properties": lure}, "config": lure,
        "storage-credentials": [{"prefix": "s3://b/", "config": lure}]}))
    return catalog


def test_without_the_gate_pyiceberg_follows(lures, elsewhere):
    """The lures are real: this is what the others would show if the gate let them through."""
    client = load_catalog("bare", type="rest", uri=f"{lures.url}/iceberg", token="own")
    assert client.properties["uri"] == elsewhere.url
    with pytest.raises(ValidationError):  # the other server is no catalog
        client.list_namespaces()
    assert elsewhere.requests() != []
    elsewhere.clear()


def test_pyiceberg_stays_on_the_gate(hostile_gate, lures, keycloak):
    token = keycloak.user_token("alice")
    client = load_catalog("lured", type="rest", uri=hostile_gate.url, token=token, warehouse="w")
    assert client.properties["uri"] == hostile_gate.url
    assert client.list_namespaces() == [("ns",)]
    table = client.load_table("ns.t")

    own = {"uri": hostile_gate.url, "token": token, "s3.signer": "S3V4RestSigner"}
    lured = ("header.", "py-io-impl", "s3.signer.", "rest.", "oauth2")
    # A table's own properties reach its files' reader, which knows nothing of `rest.` and `oauth2`.
    for properties, names in ((client.properties, lured), (table.io.properties, lured[:3])):
        assert [name for name in properties if name.startswith(names)] == []
        assert {name: properties[name] for name in own} == own
    assert set(table.config) == {"s3.signer"}
    came = lures.requests()
    assert [seen.path for seen in came] == [CONFIG, NAMESPACES, TABLE]
    for seen in came:
        (authorization,) = seen.all_headers("authorization")
        assert "stolen" not in authorization and seen.header("x-lured") is None


def test_pyiceberg_behind_an_envoy_that_rewrites_the_host_stays_on_the_gate(gates, nessie, lake, keycloak, namespace):
    """A real Nessie builds its addresses from `Host`: here they lead to a name that only Envoy knows."""
    def rewrites(bootstrap):
        _holds_answers(bootstrap)
        for route in virtual_hosts(bootstrap)[0]["routes"]:
            route["route"]["host_rewrite_literal"] = "nessie.inside.test"
    with gates(catalog=nessie.port, change={"allow_on_headers_stop_iteration": True}, edit=rewrites) as gate:
        minted = keycloak.exchanged_token(keycloak.user_token("alice"))
        direct = web.get(f"{nessie.url}/iceberg/v1/config", bearer=minted,
                         headers={"Host": "nessie.inside.test"}).expect(200).json()
        assert direct["overrides"]["uri"].startswith("http://nessie.inside.test")

        client = load_catalog("lake", token=keycloak.user_token("alice"), **lake.client_properties(gate.url))
        assert client.properties["uri"] == gate.url
        client.create_namespace(namespace)
        table = client.create_table(f"{namespace}.t", SCHEMA)
        assert client.load_table(f"{namespace}.t").metadata.table_uuid == table.metadata.table_uuid
        client.drop_table(f"{namespace}.t")
        client.drop_namespace(namespace)
        assert "inside.test" not in str({**client.properties, **table.config, **table.io.properties})
        paths = [f"{NAMESPACES}/{namespace}/tables", f"{NAMESPACES}/{namespace}/tables/t"]
        until(lambda: set(paths) <= {line["path"] for line in gate.access_log()})
    assert client.properties["warehouse"] == WAREHOUSE


# -- what cannot be read -------------------------------------------------------------------------------------------------


def body_of(length, piece=b" " * MIB):
    """A JSON object of so many bytes, made as it goes."""
    def pieces():
        yield b'{"metadata":{},"x":"'
        left = length - 22
        while left > 0:
            yield piece[:min(left, len(piece))]
            left -= len(piece)
        yield b'"}'
    return pieces


def nested(depth, within='{"a":%s}'):
    return (within % ("[" * depth + "]" * depth)).encode()


GOOD = b'{"defaults":{},"overrides":{"uri":"http://elsewhere.test"}}'
UNREADABLE = {
    "gzip, though nobody asked": Reply(200, gzip.compress(GOOD), {"Content-Encoding": "gzip"}),
    "a gzip bomb": Reply(200, gzip.compress(bytes(100 * MIB), 9), {"Content-Encoding": "gzip"}),
    "gzip that is not called so": Reply(200, gzip.compress(GOOD)),
    "brotli by name": Reply(200, GOOD, {"Content-Encoding": "br"}),
    "two encodings": Reply(200, GOOD, {"Content-Encoding": "identity, gzip"}),
    "a duplicate member": Reply(200, b'{"overrides":{},"overrides":{"uri":"http://elsewhere.test"}}'),
    "a duplicate property": Reply(200, b'{"overrides":{"a":"1","\\u0061":"2"}}'),
    "UTF-16": Reply(200, GOOD.decode().encode("utf-16")),
    "half of it": Reply(200, GOOD[:30]),
    "a length that is too short": Reply(200, GOOD, {"Content-Length": "30"}),
    "two answers in one": Reply(200, GOOD + GOOD),
    "no JSON": Reply(200, b"<html>It works!</html>"),
    "another form": Reply(200, b'{"overrides":[["uri","http://elsewhere.test"]]}'),
    "an endless depth": Reply(200, b'{"overrides":{"a":' + b"[" * 100_000),
    "a prefix with dots": Reply(200, b'{"overrides":{"prefix":"../../other"}}'),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_configuration_that_cannot_be_read_is_a_clean_error(hostile_gate, catalog, keycloak, name):
    answers(catalog, CONFIG, UNREADABLE[name])
    token = keycloak.user_token("alice")
    with within(PATIENCE), memory_bound(hostile_gate, 64):
        answer = hostile_gate.ask("GET", CONFIG, token=token)
    expect_unreadable(hostile_gate, answer, "answer_unreadable")


def expect_unreadable(gate, answer, name):
    """The error for a read that the client tries again, which is told apart from the catalog's own."""
    assert answer.status == 503, answer.text()
    assert int(answer.headers["retry-after"]) >= 1
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("ServiceUnavailableException", 503)
    assert "elsewhere" not in error["message"] and "the catalog's" in error["message"]
    reference = error["message"].rpartition("(ref ")[2].rstrip(")")
    assert gate.wait_for_access(id=reference)["details"] == name
    assert f"refusal={name} " in gate.wait_for_log(f" ref={reference} ")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("method", "path"), [("GET", CONFIG), ("GET", TABLE), ("HEAD", TABLE), ("DELETE", TABLE)])
def test_no_client_is_sent_elsewhere(hostile_gate, catalog, keycloak, method, path, status):
    answers(catalog, path, Reply(status, b"", {"Location": "http://elsewhere.test/v1/config"}))
    answer = hostile_gate.ask(method, path, token=keycloak.user_token("alice"))
    assert answer.status == (429 if method == "DELETE" else 503)
    assert answer.headers["location"] is None
    if method == "GET":
        assert "sends clients elsewhere" in answer.json()["error"]["message"]


def test_a_depth_of_a_hundred_thousand_goes_through_where_nobody_reads_it(hostile_gate, catalog, keycloak):
    token = keycloak.user_token("alice")
    for path, body in ((CONFIG, nested(100_000)), (CONFIG, nested(100_000, '{"overrides":{"a":%s}}')),
                       (TABLE, nested(100_000, '{"metadata":{"a":%s}}'))):
        answers(catalog, path, Reply(200, body))
        with within(PATIENCE):
            assert hostile_gate.ask("GET", path, token=token).expect(200).body == body


@pytest.mark.parametrize("length", [None, 200 * MIB], ids=["in chunks", "with its length"])
def test_a_configuration_of_200_mb_is_refused_and_not_read(hostile_gate, catalog, keycloak, length):
    sent = []

    def pieces():
        for piece in body_of(200 * MIB)():
            sent.append(len(piece))
            yield piece
    answers(catalog, CONFIG, Flow(pieces, headers={} if length is None else {"Content-Length": str(length)}))
    with within(PATIENCE), memory_bound(hostile_gate, 64):
        answer = hostile_gate.ask("GET", CONFIG, token=keycloak.user_token("alice"))
    expect_unreadable(hostile_gate, answer, "answer_too_large")
    until(lambda: _settled(sent))
    assert sum(sent) < 60 * MIB, "the catalog was read to its end"


def _settled(sent):
    before = len(sent)
    time.sleep(0.3)
    return len(sent) == before


@pytest.mark.parametrize("length", [None, 200 * MIB], ids=["in chunks", "with its length"])
def test_a_table_of_200_mb_streams_through_and_is_never_held(hostile_gate, catalog, keycloak, length):
    answers(catalog, TABLE, Flow(body_of(200 * MIB), headers={} if length is None else {"Content-Length": str(length)}))
    with hostile_gate.connect() as connection, memory_bound(hostile_gate, 64):
        connection.send("GET", TABLE, token=keycloak.user_token("alice"))
        response = http.client.HTTPResponse(connection.socket, method="GET")
        response.begin()
        assert response.status == 200
        got = 0
        while piece := response.read(MIB):
            got += len(piece)
        assert got == 200 * MIB


def test_a_length_that_is_never_reached_ends_and_nothing_of_it_is_believed(hostile_gate, catalog, keycloak):
    answers(catalog, CONFIG, Flow(lambda: [GOOD], headers={"Content-Length": "5000"}, close=True))
    with within(PATIENCE):
        assert cut_off(hostile_gate, CONFIG, keycloak)


def test_a_catalog_that_falls_silent_in_the_middle(hostile_gate, catalog, keycloak):
    answers(catalog, CONFIG, Flow(lambda: [GOOD], headers={"Content-Length": "5000"}))
    with within(PATIENCE):
        assert cut_off(hostile_gate, CONFIG, keycloak)


def test_a_drip_ends_with_the_routes_timeout(hostile_gate, catalog, keycloak):
    def drops():
        yield b'{"a":"'
        while True:
            yield b"x"
    answers(catalog, CONFIG, Flow(drops, pause=0.2))
    with within(PATIENCE), memory_bound(hostile_gate, 16):
        assert cut_off(hostile_gate, CONFIG, keycloak)


def cut_off(gate, path, keycloak):
    """Whether the client is told of the failure: by an error, or by an end of the connection before the answer's."""
    try:
        answer = gate.ask("GET", path, token=keycloak.user_token("alice"))
    except (http.client.HTTPException, OSError):
        return True
    return answer.status >= 500


@pytest.mark.parametrize(("method", "path", "reply"), [
    ("HEAD", TABLE, Reply(200, b"", {"Content-Length": "123"})),
    ("HEAD", TABLE, Reply(200, b"", {"Content-Encoding": "gzip"})),
    ("HEAD", TABLE, Reply(204)),
    ("GET", TABLE, Reply(304, b"", {"ETag": '"1"'})),
    ("GET", CONFIG, Reply(200)),
    ("GET", CONFIG, Reply(204)),
    ("GET", CONFIG, Reply(304)),
    ("DELETE", TABLE, Reply(204)),
    ("GET", CONFIG, Reply(204, b"", {"Content-Encoding": "gzip"})),
    ("GET", CONFIG, Reply(404, b"<html>")),
    ("GET", CONFIG, Reply(500, gzip.compress(b"{}"), {"Content-Encoding": "gzip"})),
])
def test_answers_without_a_body_and_errors_go_on_at_once(hostile_gate, catalog, keycloak, method, path, reply):
    answers(catalog, path, reply)
    with within(3):
        answer = hostile_gate.ask(method, path, token=keycloak.user_token("alice"), headers=[("If-None-Match", '"1"')])
    assert (answer.status, answer.body) == (reply.status, b"" if method == "HEAD" else reply.body)


def test_fifty_clients_that_hang_up_while_their_answers_are_held(hostile_gate, catalog, keycloak):
    answers(catalog, CONFIG, Flow(lambda: [GOOD[:20], GOOD[20:]], headers={"Content-Length": str(len(GOOD))}, pause=1))
    token = keycloak.user_token("alice")
    connections = [hostile_gate.connect() for _ in range(50)]
    with memory_bound(hostile_gate, 32):
        for connection in connections:
            connection.send("GET", CONFIG, token=token)
        catalog.wait_for(CONFIG, 50)
        for connection in connections:
            connection.close()
        until(lambda: hostile_gate.envoy.stat("http.gate.downstream_rq_active") == 0, PATIENCE)


# -- writes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [
    "gzip, though nobody asked", "a gzip bomb", "half of it", "no JSON", "a duplicate member"])
def test_an_unreadable_answer_to_a_write_tells_that_it_was_made(hostile_gate, catalog, keycloak, name):
    unreadable = UNREADABLE[name]
    body = unreadable.body.replace(b"overrides", b"config")
    tables = TABLE.rpartition("/")[0]
    answers(catalog, tables, Reply(200, body, unreadable.headers))
    with within(PATIENCE), memory_bound(hostile_gate, 64):
        answer = hostile_gate.ask("POST", tables, token=keycloak.user_token("alice"), body=b'{"name":"t"}',
                                  headers=[("Content-Type", "application/json")]).expect(200)
    assert answer.headers["content-encoding"] is None
    note = answer.json()["metadata"]
    assert note.startswith("done, do not repeat it: the gate could not read the catalog's answer (ref ")
    reference = note.rpartition("(ref ")[2].rstrip(")")
    assert "operation=createTable" in hostile_gate.wait_for_log(f" ref={reference} ")


def test_pyiceberg_shows_that_the_table_was_made(hostile_gate, catalog, keycloak):
    catalog.on(CONFIG, Reply.json({"overrides": {"prefix": "main%7Cwarehouse"}}))
    catalog.on(TABLE.rpartition("/")[0], Reply(200, b'{"metadata":'))
    client = load_catalog("broken", type="rest", uri=hostile_gate.url, token=keycloak.user_token("alice"))
    with pytest.raises(ValidationError, match="done, do not repeat it"):
        client.create_table("ns.t", SCHEMA)
    assert len(catalog.requests(TABLE.rpartition("/")[0])) == 1


def test_the_answer_to_a_commit_is_not_touched(hostile_gate, catalog, keycloak):
    body = json.dumps({"metadata-location": "s3://b/t/m", "metadata": METADATA, "config": {"token": "unread"}}).encode()
    answers(catalog, TABLE, Reply(200, gzip.compress(body), {"Content-Encoding": "gzip"}))
    answer = hostile_gate.ask("POST", TABLE, token=keycloak.user_token("alice"), body=b"{}").expect(200)
    assert gzip.decompress(answer.body) == body
