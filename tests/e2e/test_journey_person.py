"""Journey 1: a person's token goes in, the catalog sees that person."""

import pyarrow
import pytest
from gate import NAMESPACES, until
from pyiceberg.catalog import load_catalog

from stack.keycloak import claims


@pytest.mark.parametrize("person", ["alice", "bob"])
def test_a_person_works_with_a_table_and_the_catalog_records_the_person(gate, lake, keycloak, nessie, namespace, person):
    catalog = load_catalog("lake", token=keycloak.user_token(person), **lake.client_properties(gate.url))
    rows = pyarrow.table({"id": [1, 2, 3], "name": ["a", "b", "c"]})

    catalog.create_namespace(namespace)
    table = catalog.create_table(f"{namespace}.t", schema=rows.schema)
    table.append(rows)
    scanned = catalog.load_table(f"{namespace}.t").scan().to_arrow()
    catalog.drop_table(f"{namespace}.t")
    catalog.drop_namespace(namespace)

    assert scanned.to_pydict() == rows.to_pydict()
    commits = [commit for commit in nessie.history() if namespace in commit["message"]]
    assert len(commits) >= 5
    assert {(commit["committer"], *commit["authors"]) for commit in commits} == {(person, person)}
    lines = [line for line in nessie.access_log() if namespace in line.path]
    assert {line.user for line in lines} == {person}
    assert {"GET", "POST", "DELETE"} <= {line.method for line in lines}


def test_pyiceberg_stays_behind_the_gate_after_the_catalogs_configuration(gate, lake, keycloak):
    catalog = load_catalog("lake", token=keycloak.user_token("alice"), **lake.client_properties(gate.url))
    assert catalog.properties["uri"].startswith(f"http://127.0.0.1:{gate.port}/")

    def listings():
        return [line for line in gate.access_log() if (line["path"], line["method"]) == (NAMESPACES, "GET")]
    before = len(listings())
    catalog.list_namespaces()
    until(lambda: len(listings()) == before + 1)


def test_what_the_catalog_gets_is_a_token_of_the_same_person_for_the_catalog(gate, keycloak, recorded):
    own = keycloak.user_token("alice")
    gate.ask("GET", "/recorded/v1/config?warehouse=w", token=own).expect(200)

    (seen,) = recorded.requests()
    (authorization,) = seen.all_headers("authorization")
    scheme, minted = authorization.split(" ")
    assert scheme == "Bearer" and minted != own
    got, had = claims(minted), claims(own)
    assert (got["aud"], got["azp"], got["iss"]) == ("catalog", "icegate", keycloak.issuer)
    assert got["sub"] == had["sub"] == keycloak.admin.user_id("alice")
    assert got["preferred_username"] == "alice"
    assert own not in str(seen)


def test_the_second_call_costs_no_exchange(gate, keycloak, recorded):
    token = keycloak.user_token("alice")
    keycloak.admin.clear_events()
    hits = gate.count_so_far("icegate_cache.event.hit")
    with gate.connect() as connection:
        for _ in range(4):
            connection.ask("GET", "/recorded/v1/config", token=token).expect(200)
    assert keycloak.admin.exchange_count("alice") == 1
    assert len({seen.header("authorization") for seen in recorded.requests()}) == 1
    gate.wait_for_count("icegate_cache.event.hit", hits + 3)


def test_each_person_is_minted_a_token_of_their_own_on_one_connection(gate, keycloak, recorded):
    tokens = {name: keycloak.user_token(name) for name in ("alice", "bob")}
    with gate.connect() as connection:
        for name in ("alice", "bob", "alice", "bob", "bob", "alice"):
            connection.ask("GET", f"/recorded/v1/config?who={name}", token=tokens[name]).expect(200)
    for seen in recorded.requests():
        minted = seen.header("authorization").removeprefix("Bearer ")
        assert claims(minted)["preferred_username"] == seen.target.partition("who=")[2]
