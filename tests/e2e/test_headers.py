"""What reaches the catalog: which headers, and the path, byte by byte."""

import json
import time

import pytest
from gate import NAMESPACES

from stack.standin import Reply

STRIPPED = [
    "Cookie", "DPoP", "Forwarded", "Polaris-Realm", "Proxy-Authorization", "Remote-User", "X-Access-Token", "X-Api-Key",
    "X-Auth-Token", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-User",
    "X-Forwarded-Access-Token", "X-Forwarded-Client-Cert", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override",
    "X-Original-URL", "X-Rewrite-URL", "X-Envoy-Original-Path", "X-Envoy-Upstream-Rq-Timeout-Ms", "X-Envoy-Internal",
    "X-Envoy-Retry-On", "X-Auth-Request-User", "X-Goog-Iap-Jwt-Assertion", "X-Goog-Authenticated-User-Email",
    "X-Amzn-Oidc-Data", "X-Ms-Client-Principal", "X-Id-Token", "X-Remote-User", "X-Project-Id",
    "X-Project-Ident", "X-Assume-Role", "X-Real-IP", "Nessie-Commit-Authors", "Nessie-Commit-SignedOffBy",
]


@pytest.fixture
def warm(gate, keycloak, recorded):
    """A connection to a worker that has alice's token, and the token."""
    token = keycloak.user_token("alice")
    with gate.connect() as connection:
        connection.ask("GET", "/recorded/v1/config", token=token).expect(200)
        recorded.clear()
        yield connection, token


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("spelled", ["-", "_"])
def test_carriers_of_credentials_and_steering_headers_never_arrive(gate, keycloak, recorded, cached, spelled):
    token = keycloak.user_token("alice")
    names = [name.replace("-", spelled) for name in STRIPPED]
    with gate.connect() as connection:
        if cached:
            connection.ask("GET", "/recorded/v1/config", token=token).expect(200)
            recorded.clear()
        connection.ask("GET", "/recorded/v1/config", token=token, headers=[(name, "evil") for name in names]).expect(200)

    (seen,) = recorded.requests()
    assert [name for name, value in seen.headers if "evil" in value] == []
    arrived = {name.lower().replace("_", "-") for name, _ in seen.headers}
    # x-forwarded-proto and the two of Envoy's router are Envoy's own words, not the client's.
    assert arrived & {name.lower() for name in STRIPPED} <= {"x-forwarded-for"}
    assert seen.header("x-forwarded-for") in (None, "127.0.0.1")
    assert seen.header("x-forwarded-proto") == "http"


def test_a_header_named_by_connection_does_not_lose_the_token(warm, recorded):
    connection, token = warm
    connection.ask("GET", "/recorded/v1/config", token=token, headers=[("Connection", "authorization, close")])
    for seen in recorded.requests():
        assert seen.header("authorization").startswith("Bearer ")


def test_what_iceberg_clients_send_arrives(warm, recorded):
    connection, token = warm
    sent = [
        ("X-Iceberg-Access-Delegation", "vended-credentials,remote-signing"), ("Idempotency-Key", "01890f3e-7b7c-7cc0"),
        ("If-None-Match", '"etag-1"'), ("X-Client-Version", "Apache Iceberg 1.11.0"), ("Accept", "application/json"),
        ("User-Agent", "PyIceberg/0.12.0"), ("traceparent", "00-1-2-01"), ("Accept-Encoding", "gzip"),
    ]
    connection.ask("GET", "/recorded/v1/p/namespaces", token=token, headers=sent).expect(200)
    (seen,) = recorded.requests()
    for name, value in sent:
        assert seen.header(name) == value
    assert seen.header("host") == "gate.test"


def test_an_answer_that_is_looked_through_is_asked_for_as_it_is(warm, recorded):
    connection, token = warm
    headers = [("Accept-Encoding", "gzip, deflate"), ("Accept", "application/json")]
    connection.ask("GET", "/recorded/v1/config", token=token, headers=headers).expect(200)
    (seen,) = recorded.requests()
    assert seen.header("accept-encoding") is None
    assert seen.header("accept") == "application/json"


def test_what_the_catalog_says_comes_back(warm, recorded):
    connection, token = warm
    body = json.dumps({"metadata-location": "s3://x"}).encode()
    recorded.on("*", Reply(200, body, {"ETag": '"v7"', "Content-Type": "application/json", "X-Custom": "a, b"}))
    answer = connection.ask("GET", "/recorded/v1/p/namespaces/n/tables/t", token=token)
    assert (answer.status, answer.body, answer.headers["etag"], answer.headers["x-custom"]) == (200, body, '"v7"', "a, b")


@pytest.mark.parametrize(("method", "status", "path"), [
    ("HEAD", 204, "/recorded/v1/p/namespaces/n/tables/t"), ("DELETE", 204, "/recorded/v1/p/namespaces/n/tables/t"),
    ("GET", 304, "/recorded/v1/p/namespaces/n/tables/t"), ("HEAD", 404, "/recorded/v1/p/namespaces/n/tables/t"),
    ("POST", 409, "/recorded/v1/p/namespaces"), ("GET", 500, "/recorded/v1/config"), ("POST", 204, "/recorded/v1/p/tables/rename"),
])
def test_every_kind_of_answer_passes_unchanged(warm, recorded, method, status, path):
    connection, token = warm
    body = b'{"error":{}}' if status >= 400 else b""
    recorded.on("*", Reply(status, body))
    answer = connection.ask(method, path, token=token)
    assert (answer.status, answer.body) == (status, b"" if method == "HEAD" else body)
    connection.ask("GET", "/recorded/v1/config", token=token)  # the connection goes on


@pytest.mark.parametrize("target", [
    "/recorded/v1/config?warehouse=s3%3A%2F%2Fbucket%2Fpath&x=%20+%2B",
    "/recorded/v1/config?warehouse=a;b&&=",
    "/recorded/v1/main%7Cwarehouse/namespaces/a%1Fb%1fc",
    "/recorded/v1/main%7cwarehouse/namespaces/ns/tables/jt+x",
    "/recorded/v1/main%7Cwarehouse/namespaces/ns/tables/jt%20x",
    "/recorded/v1/main%7Cwarehouse/namespaces/ns/tables/jt%2Bx",
    "/recorded/v1/main%7Cwarehouse/namespaces/ns/tables/100%25",
    "/recorded/v1/main%7Cwarehouse/namespaces/n.s/tables/t.x",
    "/recorded/v1/main%7Cwarehouse/namespaces/%E6%97%A5%E6%9C%AC/tables/%F0%9F%A7%8A",
    "/recorded/v1/main%7Cwarehouse/namespaces/ns/tables/a!$&'()*,=:@~-_.z",
    "/recorded/v1/main%7Cwarehouse/namespaces/%6E%73/tables/%74",
    "/recorded/v1/main%7Cwarehouse/namespaces?parent=a%1Fb&pageToken=&pageSize=10",
])
def test_a_path_goes_upstream_in_the_very_bytes(warm, recorded, target):
    connection, token = warm
    connection.ask("GET", target, token=token).expect(200)
    assert [seen.target for seen in recorded.requests()] == [target]


def test_nobody_signs_a_commit_of_nessie_as_somebody_else(gate, keycloak, nessie):
    token = keycloak.user_token("alice")
    forged = [("Nessie-Commit-Authors", "bob"), ("Nessie-Commit-SignedOffBy", "root")]
    name = f"signed_{time.time_ns()}"
    body = json.dumps({"namespace": [name], "properties": {}}).encode()
    headers = [*forged, ("Content-Type", "application/json")]
    gate.ask("POST", NAMESPACES, token=token, headers=headers, body=body).expect(200)

    (entry,) = [one for one in nessie.history() if name in json.dumps(one)]
    assert (entry["committer"], entry["authors"]) == ("alice", ["alice"])
    assert "bob" not in json.dumps(entry) and "root" not in json.dumps(entry)
