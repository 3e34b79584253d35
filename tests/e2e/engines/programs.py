"""Which engines log in at the gate, and what each may do: one place for all of these tests."""

from collections.abc import Mapping, Sequence
from typing import Any

from bootstrap import merged
from engine_gate import configuration, service

from stack.keycloak import Keycloak
from stack.tenants import TENANTS

# What an engine may do under its own name. Trino needs no more than to ask for `/v1/config`.
MAY = {
    "trino": ["config"],
    "spark": ["config", "read", "write", "commit"],
    "java": ["config", "read", "write", "commit"],
    "pyiceberg": ["config", "read", "write", "commit"],
    "duckdb": ["config", "read", "write", "commit"],
}


def with_programs(
    change: Mapping[str, Any], keycloak: Keycloak, *, tenants: Sequence[str] = TENANTS, **more: Any,
) -> dict[str, Any]:
    """`change` for a `Gate`, with the token endpoint and the engines. `tenants`: those that are there; `more`: is merged in.

    Trino speaks for people of all tenants. The engine `trino-lab` of the realm is listed nowhere.
    """
    services = {engine: service(keycloak, engine, may) for engine, may in MAY.items()}
    speaks_for = services["trino"]["speaks_for"] = {"by": "assertion", "never": ["root"]}
    if tenants:
        for engine, one in services.items():
            one["tenant"] = list(tenants) if engine == "trino" else ["acme"]
        speaks_for["tenants"] = list(tenants)
    else:
        speaks_for["who"] = {"claim": "groups", "has": ["/lake/engineer", "/lake/analyst"]}
    return merged(merged(change, configuration(keycloak, services)), more)
