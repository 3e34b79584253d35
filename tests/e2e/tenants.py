"""Two tenants as the tests have them: the gate's configuration for the two catalogs, and what is in the catalogs."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from stack import web
from stack.tenants import TENANTS, bucket

SCHEMA = {"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "id", "type": "long", "required": False}]}
# What a client sends to make a view, but for its name.
VIEW = {"schema": SCHEMA, "properties": {}, "view-version": {
    "version-id": 1, "schema-id": 0, "timestamp-ms": 1, "summary": {}, "default-namespace": ["raw"],
    "representations": [{"type": "sql", "sql": "select 1", "dialect": "trino"}]}}
# One of each tenant's engineers.
PERSON = {"acme": "alice", "globex": "bob"}
EVERYTHING = ["read", "write", "commit", "admin", "sign", "credentials"]

Levels = tuple[str, ...]
JsonObject = dict[str, Any]


def nessie_configuration() -> JsonObject:
    """For `Gate(change=...)`: both tenants at Nessie, each with its branch and its warehouse.

    Engineers may do everything; analysts may read; nobody may touch what lies in acme's `pii`.
    """
    return {
        **_access(),
        "tenants": {tenant: _tenant(tenant, {"lake": [f"{tenant}|{tenant}"]}) for tenant in TENANTS},
        "grants": [*_grants(), _nobody_at({"lake": {"acme|acme": [["pii", "**"]]}})],
    }


def fixture_configuration() -> JsonObject:
    """The same for the REST fixture. It has one warehouse and no prefix, so only one tenant can have it: acme."""
    return {
        **_access(),
        "catalogs": {"lake": {"kind": "iceberg", "base_path": "", "namespace_separator": "%2E"}},
        "tenants": {"acme": _tenant("acme", {"lake": [{"warehouse": "acme", "prefix": ""}]})},
        "grants": [*_grants(("acme",)), _nobody_at({"lake": {"acme": [["pii", "**"]]}})],
    }


def local_configuration() -> JsonObject:
    """The same where tables lie in a local folder, so that the catalog judges locations; analysts may load no view."""
    change = fixture_configuration()
    change["tenants"]["acme"]["locations"] = "catalog_decides"
    change["grants"].append({"tenant": "acme", "who": {"claim": "groups", "has": "/lake/analyst"}, "deny": ["loadView"]})
    return change


def _access() -> JsonObject:
    return {"access": "grants", "allow_on_headers_stop_iteration": True}


def _tenant(name: str, reach: JsonObject) -> JsonObject:
    who = {"issuer": "corp", "claim": "groups", "has": f"/t/{name}"}
    return {"who": who, "reach": reach, "locations": [f"s3://{bucket(name)}/"]}


def _grants(tenants: Iterable[str] = TENANTS) -> list[JsonObject]:
    """What the people of a tenant may do, all over it."""
    may = {"/lake/engineer": EVERYTHING, "/lake/analyst": ["read", "credentials", "sign"]}
    return [{"tenant": tenant, "who": {"claim": "groups", "has": group}, "may": classes}
            for tenant in tenants for group, classes in may.items()]


def _nobody_at(places: JsonObject) -> JsonObject:
    return {"tenant": "acme", "who": "all", "deny": EVERYTHING, "at": places}


def table(name: str, **more: Any) -> JsonObject:
    """The body of a request that creates a table of one column."""
    return {"name": name, "schema": SCHEMA, "stage-create": False, **more}


def name(levels: Iterable[str], last: str) -> JsonObject:
    """A table's identifier in a body."""
    return {"namespace": list(levels), "name": last}


def commit(*updates: JsonObject) -> JsonObject:
    """The body of a commit."""
    return {"requirements": [], "updates": list(updates)}


def set_property(key: str, value: str) -> JsonObject:
    """An update that sets a property of a table."""
    return {"action": "set-properties", "updates": {key: value}}


def address(api: str, levels: Levels, name: str | None = None, separator: str = "%1F") -> str:
    """Where a table, or a namespace, is found. `api`: up to the prefix."""
    namespace = f"{api}/namespaces/{separator.join(quote(level, safe='') for level in levels)}"
    return namespace if name is None else f"{namespace}/tables/{quote(name, safe='')}"


def fill(
    api: str, token: str | None, tables: Iterable[tuple[Levels, str]], owner: str, separator: str = "%1F",
) -> None:
    """Makes tables and the namespaces that they need, without the gate.

    Each namespace has the property `owner`: `OWNER-LEVEL`, with its first level. Namespaces may be there already.
    """
    made: set[Levels] = set()
    for levels, name in tables:
        for depth in range(1, len(levels) + 1):
            if levels[:depth] not in made:
                made.add(levels[:depth])
                web.post(f"{api}/namespaces", bearer=token, json_body={
                    "namespace": levels[:depth], "properties": {"owner": f"{owner}-{levels[0]}"}}).expect(200, 409)
        tables_there = f"{address(api, levels, separator=separator)}/tables"
        web.post(tables_there, bearer=token, json_body=table(name)).expect(200)
