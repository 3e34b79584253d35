"""Storage credentials and signatures: what the catalog is asked for in a caller's name, and what the caller is given."""

import json

import pytest
from gate import until
from tenants import address, nessie_configuration

from stack import web
from stack.keycloak import claims
from stack.standin import Reply
from stack.tenants import bucket, location, prefix

pytestmark = pytest.mark.usefixtures("left_as_it_was")
JSON = [("Content-Type", "application/json")]
HEADER = "X-Iceberg-Access-Delegation"
ACME = f"/iceberg/v1/{prefix('acme')}"
BOTH, NONE = "vended-credentials,remote-signing", "client-managed"
# What acme's people may be handed, in `mart`: all may read there, nothing is denied.
HANDED = {"alice": ["credentials", "sign"], "mallory": ["credentials"], "dave": ["sign"], "carol": []}
GIVEN = {
    "config": {"s3.access-key-id": "k", "s3.secret-access-key": "s", "s3.session-token": "t", "client.region": "us-east-1",
               "s3.signer.endpoint": "v1/acme%7Cacme/s3sign/x", "s3.remote-signing-enabled": "true"},
    "storage-credentials": [{"prefix": "s3://acme-lake/wh", "config": {"s3.access-key-id": "k"}}],
    "metadata": {"location": "s3://acme-lake/wh/mart/t", "format-version": 2},
}
CREDENTIALS = {"s3.access-key-id", "s3.secret-access-key", "s3.session-token"}
SIGNING = {"s3.signer.endpoint", "s3.remote-signing-enabled"}


@pytest.fixture(scope="module")
def configuration(keycloak):
    """The same at Nessie and at two recorders, one of each kind of catalog: Nessie takes silence for every wish."""
    change = nessie_configuration()
    people = {person: claims(keycloak.user_token(person))["sub"] for person in HANDED}
    change["grants"] = [{"tenant": "acme", "who": {"sub": people[person]}, "may": ["read", "write", *more]}
                        for person, more in HANDED.items()]
    change["catalogs"] = {name: {"kind": kind, "base_path": f"/{name}", "token": {"from": "corp", "audience": "catalog"}}
                          for name, kind in (("silent", "nessie"), ("plain", "iceberg"))}
    change["tenants"]["acme"]["reach"] |= {"silent": ["acme|acme"], "plain": [{"warehouse": "acme", "prefix": "acme"}]}
    return change


@pytest.fixture(scope="module")
def open_gate(gates, two, recorder, configuration):
    """Starts a gate before all three."""
    def start(**more):
        return gates(catalog=two.nessie.port, change={**configuration, **more}, clusters={"recorder": recorder.port},
                     routes={"/silent": "recorder", "/plain": "recorder"})
    return start


@pytest.fixture(scope="module")
def handing(open_gate):
    """A gate that takes off what is not granted."""
    with open_gate() as started:
        yield started


@pytest.fixture
def asked_for(keycloak, recorded):
    """Loads a table at a recorder; gives what the recorder was asked for, line by line, and what came back."""
    recorded.on("*", Reply.json(GIVEN))

    def load(gate, person, catalog, *lines):
        recorded.clear()
        target = f"/{catalog}/v1/{prefix('acme') if catalog == 'silent' else 'acme'}/namespaces/mart/tables/t"
        answer = gate.ask("GET", target, token=keycloak.user_token(person), headers=[(HEADER, line) for line in lines])
        seen = [one.all_headers(HEADER) for one in recorded.requests()]
        return answer, seen
    return load


@pytest.mark.parametrize(("person", "said", "silent", "plain"), [
    # What nobody takes offence at stays as it was sent.
    ("alice", [], [], []),
    ("alice", ["Remote-Signing", "vended-credentials, x"], ["Remote-Signing", "vended-credentials, x"],
     ["Remote-Signing", "vended-credentials, x"]),
    ("mallory", ["vended-credentials"], ["vended-credentials"], ["vended-credentials"]),
    ("dave", ["remote-signing"], ["remote-signing"], ["remote-signing"]),
    # A part of it is granted.
    ("mallory", [], ["vended-credentials"], []),
    ("mallory", [BOTH], ["vended-credentials"], ["vended-credentials"]),
    ("dave", ["REMOTE-SIGNING", "vended-credentials"], ["remote-signing"], ["remote-signing"]),
    ("dave", [], ["remote-signing"], []),
    # Nothing is.
    ("carol", [], [NONE], []),
    ("carol", [BOTH], [NONE], []),
    ("carol", ["vended-credentials"], [NONE], []),
    ("carol", ["nonsense"], ["nonsense"], ["nonsense"]),
])
def test_what_the_catalog_is_asked_for(handing, asked_for, person, said, silent, plain):
    for catalog, expected in (("silent", silent), ("plain", plain)):
        answer, seen = asked_for(handing, person, catalog, *said)
        answer.expect(200)
        assert seen == [expected], catalog


def test_what_the_catalog_gives_all_the_same_is_taken_out(handing, asked_for):
    """Some vend to whoever asks, and some without being asked."""
    kinds = ("credentials", "signing")
    for person, withheld in (("alice", set()), ("mallory", SIGNING), ("dave", CREDENTIALS), ("carol", CREDENTIALS | SIGNING)):
        before = {why: handing.count_so_far(f"icegate_answers_removed.why.{why}") for why in kinds}
        answer, _ = asked_for(handing, person, "plain", BOTH)
        given = answer.expect(200).json()
        assert set(given["config"]) == set(GIVEN["config"]) - withheld, person
        assert given["storage-credentials"] == ([] if withheld & CREDENTIALS else GIVEN["storage-credentials"])
        assert given["metadata"] == GIVEN["metadata"]
        taken = {"credentials": 4 if withheld & CREDENTIALS else 0, "signing": 2 if withheld & SIGNING else 0}
        for why, count in taken.items():
            handing.wait_for_count(f"icegate_answers_removed.why.{why}", before[why] + count)
    told = handing.log_lines("taken out of an answer of catalog 'plain'")
    assert any(line.endswith("config.s3.access-key-id, config.s3.secret-access-key, config.s3.session-token, "
                             "storage-credentials") for line in told)


def test_real_nessie_gives_a_signer_to_those_who_may_have_one(handing, keycloak):
    for person in HANDED:
        for headers in ([], [(HEADER, BOTH)], [(HEADER, "remote-signing")]):
            answer = handing.ask("GET", address(ACME, ("mart",), "sales"), token=keycloak.user_token(person), headers=headers)
            has = answer.expect(200).json()["config"].keys() & SIGNING
            assert has == (SIGNING if "sign" in HANDED[person] else set()), (person, headers)
    # With the signer's address of somebody who may.
    token = keycloak.user_token("alice")
    signer = handing.ask("GET", address(ACME, ("mart",), "sales"), token=token).json()
    wish = json.dumps({"region": "us-east-1", "method": "GET", "headers": {"Host": ["s3"]},
                       "uri": f"http://127.0.0.1/{signer['metadata-location'].removeprefix('s3://')}"}).encode()
    target = f"/iceberg/{signer['config']['s3.signer.endpoint']}"
    for person, refusal in (("carol", "grant_missing"), ("mallory", "grant_missing")):
        answer = handing.ask("POST", target, token=keycloak.user_token(person), headers=JSON, body=wish)
        handing.expect_refusal(answer, 403, refusal)


def test_credentials_are_fetched_by_those_who_may_have_them(handing, keycloak, recorded):
    recorded.on("*", Reply.json({"storage-credentials": GIVEN["storage-credentials"]}))
    target = "/plain/v1/acme/namespaces/mart/tables/t/credentials"
    for person in ("alice", "mallory"):
        assert handing.ask("GET", target, token=keycloak.user_token(person)).expect(200).json()["storage-credentials"]
    for person in ("dave", "carol"):
        handing.expect_refusal(handing.ask("GET", target, token=keycloak.user_token(person)), 403, "grant_missing")


def test_wishes_may_be_refused_instead(open_gate, asked_for):
    with open_gate(delegation="refuse") as gate:
        for person, said in (("carol", ["vended-credentials"]), ("mallory", [BOTH]),
                             ("dave", ["remote-signing", "vended-credentials"])):
            answer, seen = asked_for(gate, person, "silent", *said)
            sentence = gate.expect_refusal(answer, 403, "delegation_refused")
            assert sentence.startswith(f"{person} (tenant acme) may not read silent/acme|acme.mart.t: no grant for")
            assert seen == []
        # Silence is no wish of the client's, and what it may have it gets.
        for person, said, expected in (("carol", [], [NONE]), ("carol", ["x"], ["x"]), ("alice", [BOTH], [BOTH]),
                                       ("mallory", ["vended-credentials"], ["vended-credentials"])):
            answer, seen = asked_for(gate, person, "silent", *said)
            answer.expect(200)
            assert seen == [expected]


def test_a_table_that_lies_elsewhere_is_loaded_without_a_signer(handing, two, keycloak, namespace):
    """Whoever may register can write a file that says that its table lies in the other tenant's bucket. Nessie would
    sign for it."""
    alice = keycloak.user_token("alice")
    own = handing.ask("GET", address(ACME, ("mart",), "sales"), token=alice).expect(200).json()["metadata"]
    for number, change in enumerate((
        {"location": f"{location('globex')}/raw"},
        {"location": f"{location('acme')}/x", "properties": {"write.data.path": f"{location('globex')}/raw"}},
        {"location": f"{location('acme')}/../../{bucket('globex')}/wh"},
    )):
        name, file = f"{namespace}_{number}", f"{location('acme')}/{namespace}/{number}.metadata.json"
        uuid = f"b9f1cd1b-20cd-461b-bcee-80b9b2c2f0c{number}"
        two.moto.put(file, json.dumps({**own, "table-uuid": uuid, **change}).encode())
        body = json.dumps({"name": name, "metadata-location": file}).encode()
        registered = handing.ask("POST", f"{ACME}/namespaces/mart/register", token=alice, headers=JSON, body=body)
        direct = web.get(address(f"{two.nessie.catalog_url}/v1/{prefix('acme')}", ("mart",), name),
                         bearer=keycloak.exchanged_token(alice)).expect(200).json()
        assert direct["config"]["s3.remote-signing-enabled"] == "true"
        loaded = handing.ask("GET", address(ACME, ("mart",), name), token=alice)
        for answer in (registered, loaded):
            given = answer.expect(200).json()
            assert given["metadata"]["table-uuid"] == uuid
            assert not given["config"].keys() & SIGNING
    until(lambda: len(handing.log_lines("(the table lies outside of the tenant's locations)")) == 6)
