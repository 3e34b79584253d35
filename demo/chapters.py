"""The steps of the story. What is shown as code is the code that runs; what is shown as output is what came of it."""

import base64
import inspect
import json
import re
import time
import warnings
from collections.abc import Callable
from typing import Any

import pyarrow
from pyiceberg.catalog import Catalog, load_catalog

from stack import web
from stack.envoy import Envoy
from stack.keycloak import claims

from .screen import Screen
from .stage import ENGINES_CONFIGURATION, TENANTS_CONFIGURATION, Stage


class NotAsTold(Exception):
    """A step came out otherwise than the story says."""


def check(screen: Screen, holds: bool, what: str) -> None:
    """Tells what was seen to be so, or ends the story."""
    if not holds:
        raise NotAsTold(what)
    screen.passed(what)


def tell(stage: Stage, screen: Screen) -> None:
    """The whole story, in order."""
    warnings.simplefilter("ignore")
    # Taken first, so that it has run out when its turn comes.
    short = stage.keycloak.user_token("alice", client="engine-short")
    token = alice_logs_in(stage, screen)
    two_calls(stage, screen, token)
    a_table(stage, screen, token)
    the_history(stage, screen)
    around_the_gate(stage, screen, token)
    refusals(stage, screen, token, short)
    two_tenants(stage, screen)
    within_a_tenant(stage, screen)
    if stage.trino is not None:
        trinos_users(stage, screen)
    where_next(screen, 9 if stage.trino is None else 10)


# -- 1 -------------------------------------------------------------------------------------------------------------------


def alice_logs_in(stage: Stage, screen: Screen) -> str:
    """Her own token, as an engine would hold it."""
    screen.step(1, "Alice logs in, and her token is for the gate")
    token = stage.keycloak.user_token("alice")
    told = claims(token)
    screen.output("\n".join(f"{name:<20} {told[name]}" for name in ("iss", "azp", "preferred_username", "sub", "aud")))
    check(screen, set(told["aud"]) == {"icegate", "icegate-tokens"}, "its audience is the gate: it opens no catalog by itself")
    return token


# -- 2 -------------------------------------------------------------------------------------------------------------------


def two_calls(stage: Stage, screen: Screen, token: str) -> None:
    """The first call exchanges, the second one finds the minted token in the gate's cache."""
    screen.step(2, "The same call twice: the first is exchanged at Keycloak, the second is a cache hit")
    url = f"{stage.gate_url}/v1/config"
    screen.code(f'GET {url}\nAuthorization: Bearer <Alice\'s token>')
    rows = [("before", "", "", *counted(stage, 0))]
    for number, name in enumerate(("first call", "second call"), start=1):
        began = time.perf_counter()
        answer = web.get(url, bearer=token)
        took = (time.perf_counter() - began) * 1000
        rows.append((name, str(answer.status), f"{took:.1f} ms", *counted(stage, number)))
    heads = ("", "status", "time", "cache misses", "cache hits", "exchanges")
    screen.output(table(heads, rows))
    screen.say("Most of the first call's time is Keycloak's and Nessie's own: each has only just started.")
    before, first, second = (row[3:] for row in rows)
    check(screen, [row[1] for row in rows[1:]] == ["200", "200"], "the catalog answered both")
    check(screen, difference(before, first) == (1, 0, 1), "the first call missed the cache and made one exchange")
    check(screen, difference(first, second) == (0, 1, 0), "the second call was a cache hit and made none")


def counted(stage: Stage, forwarded: int) -> tuple[int, int, int]:
    """Envoy's own figures, after the gate has reported so many forwarded requests: misses, hits, exchanges."""
    if forwarded:
        stage.envoy.wait_for_stat("wasmcustom.icegate_requests.catalog.lake.verdict.forwarded", forwarded)
    stats = stage.envoy.stats("icegate")
    names = ("cache.event.miss", "cache.event.hit", "exchanges.issuer.corp.outcome.minted")
    misses, hits, exchanges = (stats.get(f"wasmcustom.icegate_{name}", 0) for name in names)
    return misses, hits, exchanges


def difference(before: tuple[Any, ...], after: tuple[Any, ...]) -> tuple[int, ...]:
    """What came on top."""
    return tuple(b - a for a, b in zip(before, after, strict=True))


def table(heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """Columns of even width."""
    lines = [heads, *rows]
    widths = [max(len(str(line[column])) for line in lines) for column in range(len(heads))]
    return "\n".join("  ".join(f"{str(cell):<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
                     for line in lines)


# -- 3 -------------------------------------------------------------------------------------------------------------------


def a_table(stage: Stage, screen: Screen, token: str) -> None:
    """An unmodified client works with a table; all it knows is the gate's address and Alice's token."""
    screen.step(3, "Alice works with a table through the gate, with an unmodified PyIceberg")
    screen.code(f'catalog = load_catalog("lake", type="rest", uri="{stage.gate_url}", token=<Alice\'s token>, ...)')
    catalog = open_catalog(stage, token)
    screen.code(body_of(alice_works))
    written, read = alice_works(catalog)
    screen.output(lines_of(read))
    check(screen, read.to_pydict() == written.to_pydict(), "what was read is what was written")


def alice_works(catalog: Catalog) -> tuple[pyarrow.Table, pyarrow.Table]:
    """What Alice does; the story shows these lines."""
    rides = pyarrow.table({"city": ["Utrecht", "Gent", "Basel"], "km": [12.5, 7.0, 31.2]})
    catalog.create_namespace("story")
    table = catalog.create_table("story.rides", schema=rides.schema)
    table.append(rides)
    return rides, catalog.load_table("story.rides").scan().to_arrow()


def open_catalog(stage: Stage, token: str, uri: str | None = None) -> Catalog:
    """PyIceberg, as a user of it would configure it."""
    return load_catalog("lake", token=token, **stage.lake.client_properties(uri or stage.gate_url))


def body_of(function: Callable[..., Any]) -> str:
    """The lines of a function below its docstring."""
    source = inspect.getsource(function)
    return source.split('"""', 2)[2].strip("\n")


def lines_of(rows: pyarrow.Table) -> str:
    """The rows as columns of text."""
    return table(tuple(rows.column_names), [tuple(row.values()) for row in rows.to_pylist()])


# -- 4 -------------------------------------------------------------------------------------------------------------------


def the_history(stage: Stage, screen: Screen) -> None:
    """The catalog's own record names the person, not the engine and not the gate."""
    screen.step(4, "Nessie's own history names her")
    screen.code(f"GET {stage.nessie.url}/api/v2/trees/main/history")
    commits = [commit for commit in stage.nessie.history() if "story" in commit["message"]]
    rows = [(commit["committer"], ", ".join(commit["authors"]), commit["message"].splitlines()[0])
            for commit in commits]
    screen.output(table(("committer", "authors", "message"), rows))
    check(screen, len(commits) >= 3, "the namespace, the table and its rows are there")
    check(screen, {commit["committer"] for commit in commits} == {"alice"}, "Alice committed each of them")
    users = {line.user for line in stage.nessie.access_log() if line.path.startswith("/iceberg/")}
    check(screen, users == {"alice"}, "in Nessie's access log each request of the client is hers, too")


# -- 5 -------------------------------------------------------------------------------------------------------------------


def around_the_gate(stage: Stage, screen: Screen, token: str) -> None:
    """Her own token is worth nothing at the catalog: its audience is another."""
    screen.step(5, "Without the gate, Nessie refuses the very same token")
    screen.code(f'load_catalog("lake", type="rest", uri="{stage.nessie.catalog_url}", token=<Alice\'s token>, ...)')
    said = what_the_user_sees(stage, token, stage.nessie.catalog_url)
    screen.output(said)
    answer = web.get(f"{stage.nessie.catalog_url}/v1/config", bearer=token)
    check(screen, said.startswith("UnauthorizedError") and answer.status == 401,
          "Nessie wants tokens for the audience 'catalog' and answered 401")


def what_the_user_sees(stage: Stage, token: str, uri: str | None = None) -> str:
    """The error that PyIceberg raises, or the empty text when it raises none."""
    try:
        open_catalog(stage, token, uri).list_namespaces()
    except Exception as error:  # whichever it is, it is shown
        return f"{type(error).__name__}: {error}"
    return ""


# -- 6 -------------------------------------------------------------------------------------------------------------------


def refusals(stage: Stage, screen: Screen, token: str, short: str) -> None:
    """Three tokens that prove nothing to the gate."""
    screen.step(6, "What the gate refuses, and what PyIceberg shows its user")
    seen = len(stage.nessie.access_log())

    screen.say("A token of Alice's for somebody else's audience:")
    other = stage.keycloak.user_token("alice", scope="to-other")
    screen.output(f"aud {claims(other)['aud']}")
    refused(stage, screen, other, "audience_mismatch")

    screen.say("An unsigned one with Alice's name in it, like those that Trino makes for session=USER:")
    unsigned = without_signature(token)
    screen.output('header {"alg":"none"}, the claims of her real token, no signature')
    refused(stage, screen, unsigned, "algorithm_refused")

    screen.say("One that has expired:")
    told = claims(short)
    screen.output(f"issued at {clock(told['iat'])}, expired at {clock(told['exp'])}")
    screen.wait_until(told["exp"] + 1, "for the token to expire")
    refused(stage, screen, short, "token_expired")

    check(screen, len(stage.nessie.access_log()) == seen, "none of them reached the catalog")


def refused(stage: Stage, screen: Screen, token: str, name: str) -> None:
    """The token is refused, by that name, in a way that its user understands and its operator finds."""
    counter = f"wasmcustom.icegate_refusals.refusal.{name}"
    before = stage.envoy.stat(counter)
    said = what_the_user_sees(stage, token)
    screen.output(said or "(no error)")
    if not said.startswith("UnauthorizedError: NotAuthorizedException"):
        raise NotAsTold(f"PyIceberg should have shown an UnauthorizedError for {name}")
    stage.envoy.wait_for_stat(counter, before + 1)
    log = gate_log_line(stage, said)
    screen.output(f"the gate's log: {log}")
    check(screen, f"refusal={name} status=401" in log, f"refused with 401 and counted as {name}")
    print(flush=True)


def gate_log_line(stage: Stage, said: str, envoy: Envoy | None = None) -> str:
    """The line of the gate's log that the reference in the message finds."""
    reference = re.search(r"\(ref ([^)]+)\)", said)
    if reference is None:
        raise NotAsTold("the message should end with a reference, (ref ...)")
    log = (envoy or stage.envoy).log_text()
    lines = [line for line in log.splitlines() if reference[1] in line and "icegate audit " not in line]
    if len(lines) != 1:
        raise NotAsTold(f"the reference {reference[1]} should find one line of the gate's log, not {len(lines)}")
    return lines[0][lines[0].index("refused "):]


def without_signature(token: str) -> str:
    """The same claims under a header that says that there is no signature."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def clock(seconds: float) -> str:
    """Wall-clock time of this machine."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


# -- 7 -------------------------------------------------------------------------------------------------------------------


def two_tenants(stage: Stage, screen: Screen) -> None:
    """Bob is of another tenant: for him, what is Alice's does not exist."""
    screen.step(7, "Two tenants on this one Nessie: Bob is of another one than Alice")
    screen.say("A second gate, with envoy/tenants.yaml. acme and globex have a branch, a warehouse and a bucket each:")
    screen.code(tenants_of_configuration())
    stage.start_tenants()
    alice = open_tenant(stage, stage.keycloak.user_token("alice"), "acme")
    screen.code(body_of(alice_works_in_acme))
    alice_works_in_acme(alice)
    commits = stage.nessie.history("acme")
    check(screen, {commit["committer"] for commit in commits} == {"alice"}, "her table is on acme's branch, and it is hers")

    bob = stage.keycloak.user_token("bob")
    seen = len(stage.nessie.access_log())
    screen.say("Bob asks for acme's warehouse:")
    refused_by_tenants(stage, screen, "outside_border", lambda: open_tenant(stage, bob, "acme"))
    screen.say("He gives his client acme's prefix by hand, and asks for Alice's table:")
    crafty = open_tenant(stage, bob, "globex", prefix="acme%7Cacme")
    refused_by_tenants(stage, screen, "outside_border", lambda: crafty.load_table("sales.orders"))
    screen.say("Nessie would take a branch from inside of a table's name:")
    own = open_tenant(stage, bob, "globex")
    refused_by_tenants(stage, screen, "name_expression", lambda: own.load_table("sales.orders@acme"))
    screen.say("He makes a table of his own whose files would lie in acme's bucket:")
    own.create_namespace("mine")
    schema = pyarrow.schema([("city", pyarrow.string())])
    elsewhere = {"write.data.path": "s3://acme-lake/wh/sales"}
    refused_by_tenants(stage, screen, "location_outside",
                       lambda: own.create_table("mine.t", schema=schema, properties=elsewhere))
    asked = [line for line in stage.nessie.access_log()[seen:] if "acme%7Cacme" in line.path or "@acme" in line.path]
    check(screen, not asked, "Nessie was asked for nothing of acme's")


def tenants_of_configuration() -> str:
    """The part of envoy/tenants.yaml that says who belongs where, and what they may do."""
    lines = TENANTS_CONFIGURATION.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.strip() == "access: grants")
    end = next(number for number, line in enumerate(lines) if line.strip().startswith("audit:"))
    return "\n".join(line[28:] for line in lines[start:end] if not line.strip().startswith("#"))


def alice_works_in_acme(catalog: Catalog) -> None:
    """What Alice does; the story shows these lines."""
    orders = pyarrow.table({"city": ["Utrecht", "Gent"], "amount": [10, 25]})
    catalog.create_namespace("sales")
    catalog.create_table("sales.orders", schema=orders.schema).append(orders)


def open_tenant(stage: Stage, token: str, warehouse: str, **more: str) -> Catalog:
    """PyIceberg, as a user of the gate with tenants would configure it."""
    properties = {**stage.lake.client_properties(stage.tenants_url), "warehouse": warehouse, **more}
    return load_catalog(warehouse, token=token, **properties)


def refused_by_tenants(stage: Stage, screen: Screen, name: str, attempt: Callable[[], Any]) -> None:
    """The attempt is refused, by that name, in words that say who and what."""
    try:
        attempt()
        said = ""
    except Exception as error:  # whichever it is, it is shown
        said = f"{type(error).__name__}: {error}"
    screen.output(said or "(no error)")
    if not said.startswith("ForbiddenError: ForbiddenException"):
        raise NotAsTold(f"PyIceberg should have shown a ForbiddenError for {name}")
    check(screen, f"refusal={name} status=403" in gate_log_line(stage, said, stage.tenants_envoy), f"refused as {name}")
    print(flush=True)


# -- 8 -------------------------------------------------------------------------------------------------------------------


def within_a_tenant(stage: Stage, screen: Screen) -> None:
    """Grants: Carol reads, and what is denied is denied to Alice too."""
    screen.step(8, "Within a tenant: Carol is an analyst of acme, and nobody may touch pii")
    carol = open_tenant(stage, stage.keycloak.user_token("carol"), "acme")
    rows = carol.load_table("sales.orders").scan().to_arrow()
    screen.output(lines_of(rows))
    check(screen, rows.num_rows == 2, "Carol reads Alice's table")
    screen.say("She adds a row:")
    refused_by_tenants(stage, screen, "grant_missing", lambda: carol.load_table("sales.orders").append(rows))
    screen.say("Alice, an engineer, makes the namespace that a grant denies:")
    alice = open_tenant(stage, stage.keycloak.user_token("alice"), "acme")
    refused_by_tenants(stage, screen, "grant_denied", lambda: alice.create_namespace("pii"))
    stage.tenants_envoy.wait_for_stat("wasmcustom.icegate_refusals.refusal.grant_denied", 1)
    lines = [line for line in stage.tenants_envoy.log_text().splitlines() if "icegate audit " in line]
    told = json.loads(lines[-1].split("icegate audit ", 1)[1])
    screen.say("What the operator's audit has of it:")
    screen.output("\n".join(f"{name:<12} {told[name]}" for name in (
        "time", "name", "tenant", "warehouse", "operation", "places", "refusal", "rule", "reference")))
    check(screen, (told["name"], told["tenant"], told["rule"]) == ("alice", "acme", "grants[2]"),
          "who, where, what, and by which rule")


# -- 9, the second act ---------------------------------------------------------------------------------------------------


def trinos_users(stage: Stage, screen: Screen) -> None:
    """Trino as it comes, session=USER: it says who its users are, and the catalog sees them."""
    screen.step(9, "Trino, unpatched, with session=USER: Trino's users at the catalog")
    screen.say("A third gate, with envoy/engines.yaml: it answers the token endpoint, and lets Trino speak for the people of "
               "both tenants, but never for root:")
    screen.code(services_of_configuration())
    stage.start_engines(screen)
    screen.say("What its etc/catalog/lake.properties says of the gate:")
    screen.code(f"""
        iceberg.rest-catalog.uri={stage.engines_url}
        iceberg.rest-catalog.warehouse=acme
        iceberg.rest-catalog.security=OAUTH2
        iceberg.rest-catalog.session=USER
        iceberg.rest-catalog.oauth2.credential=trino:<its secret>
        iceberg.rest-catalog.oauth2.server-uri={stage.engines_url}/v1/oauth/tokens
    """)
    for statement in ("CREATE SCHEMA lake.trips", "CREATE TABLE lake.trips.t AS SELECT 'Utrecht' AS city, 12.5 AS km",
                      "INSERT INTO lake.trips.t VALUES ('Gent', 7.0)"):
        typed(stage, screen, "alice", statement)
    read = typed(stage, screen, "alice", "SELECT city, km FROM lake.trips.t ORDER BY km")
    check(screen, "Utrecht" in read and "Gent" in read, "Alice reads what she wrote")
    commits = [commit for commit in stage.nessie.history("acme") if "trips" in commit["message"]]
    screen.output(table(("committer", "message"), [(commit["committer"], commit["message"].splitlines()[0])
                                                   for commit in commits]))
    check(screen, {commit["committer"] for commit in commits} == {"alice"}, "Nessie's history names Alice, and not Trino")

    screen.say("Carol is an analyst: she reads, and may not write.")
    typed(stage, screen, "carol", "SELECT count(*) FROM lake.trips.t")
    typed(stage, screen, "carol", "INSERT INTO lake.trips.t VALUES ('Basel', 31.2)", "grant_missing")
    screen.say("Bob is of another tenant:")
    typed(stage, screen, "bob", "SELECT * FROM lake.trips.t", "outside_border", debug=True)
    screen.say("Nobody is root, and nobody is an engine's account or an id:")
    typed(stage, screen, "root", "SHOW SCHEMAS FROM lake", "name_refused", debug=True)
    typed(stage, screen, "service-account-spark", "SHOW SCHEMAS FROM lake", "name_refused")
    lines = [line for line in stage.engines_envoy.log_text().splitlines() if "icegate audit " in line]
    told = [json.loads(line.split("icegate audit ", 1)[1]) for line in lines]
    spoken = next(line for line in told if line["operation"] == "getToken" and line.get("name") == "alice")
    screen.say("And what the audit has of the moment in which Trino spoke for Alice:")
    names = ("time", "operation", "decision", "name", "proof", "actor")
    screen.output("\n".join(f"{name:<12} {spoken[name]}" for name in names))
    check(screen, (spoken["proof"], spoken["actor"]) == ("engine_word", "trino"), "her name, on Trino's word")


def services_of_configuration() -> str:
    """The part of envoy/engines.yaml that says which programs there are."""
    lines = ENGINES_CONFIGURATION.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.strip() == "services:")
    end = next(number for number, line in enumerate(lines) if line.strip().startswith("audit:"))
    return "\n".join(line[28:] for line in lines[start:end] if not line.strip().startswith("#"))


def typed(stage: Stage, screen: Screen, user: str, statement: str, refusal: str = "", debug: bool = False) -> str:
    """What a user types into Trino's own command line, and sees; `refusal`: as what the gate refused it."""
    counter = f"wasmcustom.icegate_refusals.refusal.{refusal}"
    before = stage.engines_envoy.stat(counter) if refusal else 0
    screen.code(f"trino --user {user}{' --debug' if debug else ''} --execute \"{statement}\"")
    shown = stage.trino.run(statement, user, *(["--debug"] if debug else []))
    errors = [line for line in shown.errors.splitlines() if line and not line.startswith(("\tat ", "\t..."))]
    wanted = [line for line in errors if "failed:" in line or "Caused by" in line]
    screen.output("\n".join([*shown.rows.splitlines(), *dict.fromkeys(wanted)]) or "(no rows)")
    if bool(refusal) != bool(shown.code):
        raise NotAsTold(f"'{statement}' of {user} ended with code {shown.code}")
    if refusal:
        stage.engines_envoy.wait_for_stat(counter, before + 1)
        screen.passed(f"refused as {refusal}")
    return shown.rows


# -- at the end ----------------------------------------------------------------------------------------------------------


def where_next(screen: Screen, number: int) -> None:
    """What to open after this."""
    screen.step(number, "Where to look next")
    screen.output("\n".join((
        "make demo-up             the same parts, kept running: addresses, tokens by curl, PyIceberg",
        "envoy/smallest.yaml      the configuration that ran first; envoy/hardened.yaml to rely on",
        "envoy/tenants.yaml       the one with tenants; docs/tenants.md how they and their grants are written",
        "make demo TRINO=1        the second act: an unpatched Trino and its users (540 MB more to fetch)",
        "envoy/engines.yaml       its configuration; docs/engines.md how each engine is set up, and what that trusts",
        "README.md                what to set at your own Keycloak, and what the gate promises",
        "docs/configuration.md    every field; docs/refusals.md every way in which the gate says no",
        "docs/operations.md       how to run it; docs/metrics.md what it counts",
    )))
