"""PyIceberg with a credential of its own."""

import time

import pyarrow
import pytest
from lives import short_lives
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import ForbiddenError, OAuthError

CELL = pytest.mark.cell(engine="PyIceberg 0.12", idp="Keycloak", catalog="Nessie")
ROWS = pyarrow.table({"id": [1, 2, 3]})


@pytest.fixture
def open_as(lake_gate, two, keycloak):
    """Opens acme's warehouse; `login`: how, in PyIceberg's words."""
    def open_it(at=lake_gate, **login):
        return load_catalog("lake", **two.client_properties("acme", at.url), **{"oauth2-server-uri": at.token_url, **login})
    return open_it


@pytest.fixture
def credential(keycloak):
    """The client's id and secret in one text."""
    return ":".join(keycloak.credential("pyiceberg"))


@CELL
def test_pyiceberg_starts_writes_reads_and_renews(open_as, credential, keycloak, two, capture, namespace):
    """It renews at a 401 only, by its secret, with the ended token as bearer beside it."""
    golden = capture("pyiceberg")
    with golden.step("the catalog is opened"):
        catalog = open_as(golden, credential=credential)
    with golden.step("a namespace and a table"):
        catalog.create_namespace(namespace)
        table = catalog.create_table(f"{namespace}.t", schema=ROWS.schema)
    with golden.step("a write"):
        table.append(ROWS)
    with golden.step("a read"):
        assert catalog.load_table(f"{namespace}.t").scan().to_arrow().to_pydict() == ROWS.to_pydict()
    with short_lives(keycloak, "pyiceberg", seconds=5):
        renewing = open_as(golden, credential=credential)
        time.sleep(6)
        with golden.step("a read with a token that has ended"):
            assert len(renewing.load_table(f"{namespace}.t").scan().to_arrow()) == 3
        time.sleep(6)
        renewing.load_table(f"{namespace}.t").append(ROWS)
    golden.expect()
    made = [entry["committer"] for entry in two.nessie.history("acme") if namespace in entry["message"]]
    assert len(made) >= 3
    assert set(made) == {"service-account-pyiceberg"}


@CELL
def test_its_newer_way_to_log_in(open_as, keycloak, capture):
    """`auth` of type `oauth2`: HTTP Basic."""
    name, secret = keycloak.credential("pyiceberg")
    golden = capture("pyiceberg-oauth2")
    with golden.step("the catalog is opened, with `auth` of type `oauth2`"):
        catalog = open_as(golden, auth={"type": "oauth2", "oauth2": {
            "client_id": name, "client_secret": secret, "token_url": golden.token_url, "scope": "catalog"}})
    assert ("raw",) in catalog.list_namespaces()
    golden.expect()


def test_a_wrong_secret_and_an_unlisted_engine_are_refused_alike(open_as, keycloak):
    words = set()
    for credential in ("pyiceberg:wrong", ":".join(keycloak.credential("trino-lab")), ":".join(keycloak.credential("icegate"))):
        with pytest.raises(OAuthError) as caught:
            open_as(credential=credential)
        words.add(str(caught.value).partition(" (ref")[0])
    assert len(words) == 1
    assert words.pop().startswith("invalid_client")


def test_what_it_may_not_do_is_refused_with_a_sentence(open_as, credential):
    """It may do everything there but what is denied to all."""
    with pytest.raises(ForbiddenError, match="service-account-pyiceberg .*may not read lake/acme.acme.pii.people"):
        open_as(credential=credential).load_table("pii.people")
