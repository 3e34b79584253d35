"""Every spelling of a table that the caller must not reach: what the catalogs alone make of it, and what the gate does.

And its mirror: how clients spell names that they may use. `golden/spellings.txt` and `golden/legal_spellings.txt` are
the lists and the results; ICEGATE_BLESS=1 writes what was found. See `spellings.py`.
"""

import os
from contextlib import contextmanager
from urllib.parse import quote, quote_plus, urlsplit

import pytest
from spellings import FORBIDDEN, LEGAL, Forbidden, Spelling, ask_catalog, ask_gate, bless, numbered, spellings
from tenants import address, fill, fixture_configuration, nessie_configuration, table

from stack import web
from stack.fixture_catalog import FixtureCatalog
from stack.tenants import TENANTS, bucket, prefix

OWN = [(("mine",), "t"), (("secret",), "t")]
PII = [(("pii",), "t"), (("pii", "deep"), "t"), (("pii",), "a b"), (("pii",), "caf\u00e9")]
OTHERS = [(("mine",), "t"), (("secret",), "t"), (("secret",), "plans"), (("vault",), "t")]
# What an answer holds that shows a namespace or lists what is in it, and a signature for storage.
SHOWN = (b'"acme-pii"', b'"globex-', b'"a b"', b'"deep"', b'"plans"', b'"vault"', b"AWS4-HMAC-SHA256")

# Names that clients may use, by what is odd about them; each is a table's name and a level's.
NAMES = (
    "plain", "UPPER", "a_b-c", "a b", " a", "a+b", "a%b", "100%", "a.b", "a~b", "a*b", "it's", "(x)", "a&b=c", "a;b",
    "a:b", "a,b", "a?b", "a!b", "$x", "[x]", "{x}", "<x>", "a|b", 'a"b', "a^b", "caf\u00e9", "cafe\u0301", "\u65e5\u672c",
    "\U0001f9ca", "a..b", "...", "namespaces", "tables", "views", "config", "v1", "null",
)
# What one of the catalogs takes for something else than a name.
NOT_NAMES_OF_NESSIE = ("a@b", "a#b", "`q`")
# How clients write a name in a path: Java's URLEncoder, and Python's quote. DuckDB 1.5 writes as Python does, but takes
# a dot in a schema's name for a border of levels.
CLIENTS = {
    "java": lambda name: quote_plus(name, safe="*").replace("~", "%7E"),
    "python": lambda name: quote(name, safe=""),
}


@pytest.fixture
def tokens(keycloak):
    """A person's own token, for the gate, fresh for each test; how clients write is tried as alice."""
    alice, carol = (keycloak.user_token(person) for person in ("alice", "carol"))
    return lambda person: carol if person == "carol" else alice


@pytest.fixture(scope="module")
def catalog_tokens(keycloak):
    """A person's token for the catalog."""
    got = {person: keycloak.exchanged_token(keycloak.user_token(person)) for person in ("alice", "carol", "bob")}
    return lambda person: got.get(person, got["alice"])


@pytest.fixture(scope="module")
def in_nessie(tenant_lake, catalog_tokens):
    """What alice of acme must not reach: all of globex, and what acme keeps in `pii`."""
    nessie, token = tenant_lake.nessie, catalog_tokens("alice")
    acme, globex = (f"{nessie.catalog_url}/v1/{prefix(tenant)}" for tenant in TENANTS)
    fill(acme, token, [*OWN, *PII], "acme")
    fill(globex, catalog_tokens("bob"), OTHERS, "globex")
    hidden = [_load(address(acme, *one), token) for one in PII] + [_load(address(globex, *one), token) for one in OTHERS]
    heads = {tenant: nessie.head(tenant) for tenant in TENANTS}

    def state():
        """All of globex, the names of acme, the contents of its `pii`, and what of acme's leads to globex' storage."""
        own = nessie.entries("acme")
        pii = {key: content for key, content in own.items() if key[0] == "pii"}
        leads = [key for key, content in own.items()
                 if bucket("globex").encode() in web.get(_place(acme, key, content["type"]), bearer=token).body]
        return nessie.entries("globex"), set(own), pii, leads

    def restore():
        for tenant, head in heads.items():
            nessie.move_branch(tenant, head)

    mine, vault = _load(address(acme, ("mine",), "t"), token), hidden[-1]
    names = {
        "head": heads["globex"],
        "metadata": vault["metadata-location"],
        "object": _stored(tenant_lake, vault["metadata-location"]),
        "own": _stored(tenant_lake, mine["metadata"]["location"]),
        "opaque": vault["config"]["s3.signer.endpoint"].rpartition("/")[2],
        "own-opaque": mine["config"]["s3.signer.endpoint"].rpartition("/")[2],
    }
    return Forbidden([*map(_uuid, hidden), *SHOWN], state, restore, names)


@pytest.fixture(scope="module")
def own_fixture_catalog(tmp_path_factory):
    """A REST fixture of this module's own: whole lists of it are looked at."""
    with FixtureCatalog(tmp_path_factory.mktemp("fixture")) as started:
        yield started


@pytest.fixture(scope="module")
def in_fixture(own_fixture_catalog):
    """What alice must not reach in the REST fixture, where only acme is: `pii`."""
    api = f"{own_fixture_catalog.catalog_url}/v1"
    fill(api, None, [OWN[0], *PII], "acme", separator="%2E")
    hidden = [address(api, *one, separator="%2E") for one in PII]

    def state():
        return list(map(_load, hidden)), web.status(address(api, *OWN[0]))

    return Forbidden([*(_uuid(_load(one)) for one in hidden), *SHOWN], state, lambda: None, {})


@pytest.fixture
def open_gate(gates, tenant_lake, own_fixture_catalog):
    """Starts the gate with two tenants in front of one of the catalogs."""
    @contextmanager
    def start(catalog):
        port, change = (tenant_lake.nessie.port, nessie_configuration()) if catalog == "nessie" else (
            own_fixture_catalog.port, fixture_configuration())
        with gates(catalog=port, change=change, edit=numbered) as gate:
            yield gate
    return start


@pytest.fixture
def ask_alone(tenant_lake, own_fixture_catalog, catalog_tokens, tmp_path):
    """Sends a spelling to its catalog, past any gate, and gives the words for the first half of its line."""
    def ask(spelling, forbidden):
        if spelling.catalog == "nessie":
            token = catalog_tokens(spelling.person)
            return ask_catalog(spelling, forbidden, tenant_lake.nessie.port, token, tmp_path)
        return ask_catalog(spelling, forbidden, own_fixture_catalog.port, None, tmp_path)
    return ask


# -- the forbidden ------------------------------------------------------------------------------------------------------


def test_the_catalogs_alone(in_nessie, in_fixture, ask_alone):
    zoo, forbidden = spellings(FORBIDDEN), {"nessie": in_nessie, "fixture": in_fixture}
    found = {spelling.request: ask_alone(spelling, forbidden[spelling.catalog]) for spelling in zoo}
    assert len(found) == len(zoo) >= 100
    compare(FORBIDDEN, "alone", found)


@pytest.mark.parametrize("catalog", ["nessie", "fixture"])
def test_no_spelling_that_leads_a_catalog_to_it_passes_the_gate(catalog, open_gate, request, tokens):
    forbidden = request.getfixturevalue(f"in_{catalog}")
    zoo = [spelling for spelling in spellings(FORBIDDEN) if spelling.catalog == catalog]
    with open_gate(catalog) as gate:
        found = ask_gate(gate, forbidden, zoo, tokens)
    assert [f"{spelling.request}: {found[spelling.request]}" for spelling in zoo if spelling.reaches
            and " passed" in found[spelling.request]] == []
    assert [one for one, words in found.items() if words.endswith((" resolved", " changed"))] == []
    compare(FORBIDDEN, "gate", found)


# -- the legal ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def legal(in_nessie, in_fixture, tenant_lake, own_fixture_catalog, catalog_tokens):
    """How clients spell a table and a namespace of every odd name; each is there if its catalog takes such a name."""
    nessie = f"{tenant_lake.nessie.url}/iceberg/v1/{prefix('acme')}"
    return [*_legal("nessie", nessie, catalog_tokens("alice"), "%1F", NAMES),
            *_legal("fixture", f"{own_fixture_catalog.url}/v1", None, "%2E", (*NAMES, *NOT_NAMES_OF_NESSIE))]


def test_what_the_catalogs_alone_make_of_legal_names(legal, ask_alone):
    nothing = Forbidden((), tuple, tuple, {})
    compare(LEGAL, "alone", {spelling.request: ask_alone(spelling, nothing) for spelling in legal})


@pytest.mark.parametrize("catalog", ["nessie", "fixture"])
def test_whatever_clients_write_for_legal_names_passes_the_gate(catalog, legal, open_gate, tokens):
    zoo = [spelling for spelling in spellings(LEGAL) if spelling.catalog == catalog]
    assert {spelling.request for spelling in zoo} == {one.request for one in legal if one.catalog == catalog}
    with open_gate(catalog) as gate:
        found = ask_gate(gate, Forbidden((), tuple, tuple, {}), zoo, tokens)
    served = [spelling.request for spelling in zoo if spelling.alone == "200"]
    assert len(served) >= 75
    assert {found[request] for request in served} == {"200 passed"}
    compare(LEGAL, "gate", found)


def _legal(catalog, api, token, separator, names):
    # Two namespaces: in Nessie a table and a namespace cannot have one name.
    fill(api, token, [(("legal",), "t"), (("levels",), "t")], "acme", separator)
    lines = {}
    for name in names:
        web.post(f"{api}/namespaces/legal/tables", bearer=token, json_body=table(name))
        targets = ["{}/namespaces/legal/tables/{}"]
        if separator == "%1F" or "." not in name:  # the fixture would take such a name for several levels
            web.post(f"{api}/namespaces", bearer=token, json_body={"namespace": ["levels", name]})
            targets.append("{}/namespaces/levels" + separator + "{}")
        for target in targets:
            for client, write in CLIENTS.items():
                lines.setdefault(target.format(urlsplit(api).path, write(name)), []).append(client)
    return [Spelling(f"{catalog} {'+'.join(clients)} GET {target}") for target, clients in lines.items()]


# -- within -------------------------------------------------------------------------------------------------------------


def compare(file, half, found):
    """The results are those of the file, or become them."""
    if "ICEGATE_BLESS" in os.environ:
        bless(file, half, found)
    else:
        expected = {spelling.request: getattr(spelling, half) for spelling in spellings(file)}
        assert found == {request: expected.get(request) for request in found}


def _load(place, token=None):
    return web.get(place, bearer=token).expect(200).json()


def _uuid(loaded):
    return loaded["metadata"]["table-uuid"].encode()


def _place(api, key, kind):
    return address(api, key) if kind == "NAMESPACE" else address(api, key[:-1], key[-1])


def _stored(tenant_lake, location):
    """The address at which clients ask the storage for a location."""
    return f"{tenant_lake.moto.url}/{location.removeprefix('s3://')}"
