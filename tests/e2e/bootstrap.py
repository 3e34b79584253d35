"""The parts of Envoy's bootstrap that tests look at and change."""

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def listener(bootstrap: dict) -> dict:
    """Its listener."""
    (one,) = bootstrap["static_resources"]["listeners"]
    return one


def connection_manager(bootstrap: dict) -> dict:
    """The HTTP connection manager of its listener."""
    return listener(bootstrap)["filter_chains"][0]["filters"][0]["typed_config"]


def virtual_hosts(bootstrap: dict) -> list[dict]:
    """Its virtual hosts."""
    return connection_manager(bootstrap)["route_config"]["virtual_hosts"]


def gate_filter(bootstrap: dict) -> dict:
    """The HTTP filter that is the gate."""
    (one,) = [one for one in connection_manager(bootstrap)["http_filters"] if one["name"] == "icegate"]
    return one


def filter_configuration(bootstrap: dict) -> dict:
    """The filter's configuration with its `@type`."""
    return gate_filter(bootstrap)["typed_config"]["config"]["configuration"]


def set_filter_configuration(bootstrap: dict, configuration: dict) -> None:
    """Another configuration of the filter."""
    gate_filter(bootstrap)["typed_config"]["config"]["configuration"] = configuration


def allow_variables(bootstrap: dict, names: Iterable[str]) -> None:
    """Lets the filter see further variables of Envoy's environment."""
    names = list(names)
    if not names:
        return
    known = gate_filter(bootstrap)["typed_config"]["config"]["vm_config"]["environment_variables"]["host_env_keys"]
    known += [name for name in names if name not in known]


def cluster(bootstrap: dict, name: str) -> dict:
    """A cluster."""
    (one,) = [one for one in bootstrap["static_resources"]["clusters"] if one["name"] == name]
    return one


def move_cluster(bootstrap: dict, name: str, port: int, address: str = "127.0.0.1") -> None:
    """Lets a cluster lead to a port of loopback."""
    (endpoint,) = cluster(bootstrap, name)["load_assignment"]["endpoints"][0]["lb_endpoints"]
    endpoint["endpoint"]["address"]["socket_address"].update(address=address, port_value=port)


def add_cluster(bootstrap: dict, name: str, port: int) -> None:
    """A further cluster, like `catalog`."""
    like = copy.deepcopy(cluster(bootstrap, "catalog"))
    like["name"] = like["load_assignment"]["cluster_name"] = name
    bootstrap["static_resources"]["clusters"].append(like)
    move_cluster(bootstrap, name, port)


def access_log(file: Path) -> dict:
    """An access log of JSON lines. Paths stand without their query, which may hold what must not be logged."""
    return {"name": "envoy.access_loggers.file", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": str(file),
        "log_format": {"json_format": {
            "id": "%REQ(X-REQUEST-ID)%", "method": "%REQ(:METHOD)%", "path": "%PATH(NQ)%", "status": "%RESPONSE_CODE%",
            "details": "%RESPONSE_CODE_DETAILS%", "flags": "%RESPONSE_FLAGS%", "upstream": "%UPSTREAM_HOST%"}}}}


def merged(target: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7396)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
