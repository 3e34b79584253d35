"""What many tenants cost: the time to read their configuration in the filter's VM, memory, and a request's CPU.

    python3 -m stack.python -m bench.tenants

The identity provider and the catalog are those of `bench.figures`. Each load and each round of requests is measured in
pairs, few tenants against many, in the same run: read the differences and ratios.
"""

import datetime
import json
import os
import re
import statistics
import sys
import time
from typing import Any

import yaml

from bench import figures
from bench.figures import Issuer
from stack.envoy import Envoy, wasm_module
from stack.ports import free_port

FEW, MANY, GRANTS = 2, 1_000, 20
ROUNDS, REQUESTS = 5, 4_000


def configuration(issuer: Issuer, port: int, tenants: int) -> str:
    """So many tenants of one catalog, each with a branch and 20 grants: by group, at namespaces and tables, one a deny."""
    bootstrap = yaml.safe_load(figures.configuration(issuer, port))
    listener = bootstrap["static_resources"]["listeners"][0]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    value: dict[str, Any] = manager["http_filters"][0]["typed_config"]["config"]["configuration"]["value"]
    names = [f"t{number:04}" for number in range(tenants)]
    value["access"] = "grants"
    value["tenants"] = {
        name: {
            "who": {"issuer": "corp", "claim": "tenant", "has": name},
            "reach": {"lake": [f"{name}|{name}"]},
            "locations": [f"s3://{name}/"],
        } for name in names}
    value["grants"] = [grant for name in names for grant in grants_of(name)]
    return yaml.safe_dump(bootstrap)


def grants_of(tenant: str) -> list[dict[str, Any]]:
    """20 grants: what the person of the measurement has is the last."""
    place = f"{tenant}|{tenant}"
    grants: list[dict[str, Any]] = [
        {"tenant": tenant, "who": {"claim": "groups", "has": f"/g/{number}"}, "may": ["read", "write", "commit"],
         "at": {"lake": {place: [["sales", f"region{number}", "*"]]}}} for number in range(GRANTS - 2)]
    return [*grants, {"tenant": tenant, "who": "all", "deny": ["all"], "at": {"lake": {place: [["pii", "**"]]}}},
            {"tenant": tenant, "who": {"claim": "groups", "has": "/g/3"}, "may": ["read"]}]


class Measured:
    """An Envoy with one worker, its load and its cost."""

    def __init__(self, issuer: Issuer, tenants: int) -> None:
        self.port = free_port()
        text = configuration(issuer, self.port, tenants)
        self.config_bytes = len(json.dumps(yaml.safe_load(text)))
        self.envoy = Envoy(text, wasm=wasm_module(), concurrency=1, variables={"ICEGATE_SECRET": "s"}, log_level="trace")
        self.envoy.start()
        self.envoy.wait_ready()
        self.envoy.set_log_level("warning")
        time.sleep(0.5)
        self.rss = self.envoy.rss_bytes()
        tenant = f"t{tenants // 2:04}"
        self.path = f"/iceberg/v1/{tenant}%7C{tenant}/namespaces/sales/tables/orders"
        self.tokens = [issuer.token(1, tenant=tenant, groups=["/g/3", "/g/9", "/other"])]

    def configure_ms(self) -> list[float]:
        """How long each VM took to take the configuration of the filter, by Envoy's own trace."""
        begun: dict[str, datetime.datetime] = {}
        took = []
        for line in self.envoy.log_text().splitlines():
            found = re.match(r"\[([\d-]+ [\d:.]+)\]\[(\d+)\].*\[(host->vm|host<-vm)\] proxy_on_configure\b", line)
            if not found:
                continue
            at = datetime.datetime.fromisoformat(found[1])
            if found[3] == "host->vm":
                begun[found[2]] = at
            elif found[2] in begun:
                took.append((at - begun.pop(found[2])).total_seconds() * 1e3)
        return took

    def cpu_per_request(self) -> float:
        """CPU of the whole process for one request of a cached caller, in microseconds."""
        figures.send(self.port, self.tokens, self.path)
        before = self._cpu_seconds()
        figures.send(self.port, self.tokens * REQUESTS, self.path)
        return (self._cpu_seconds() - before) / REQUESTS * 1e6

    def _cpu_seconds(self) -> float:
        with open(f"/proc/{self.envoy.process.pid}/stat") as file:
            fields = file.read().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measures and prints."""
    issuer = Issuer()
    loads: dict[int, list[float]] = {FEW: [], MANY: []}
    rss: dict[int, list[int]] = {FEW: [], MANY: []}
    costs: dict[int, list[float]] = {FEW: [], MANY: []}
    size = {}
    for _ in range(ROUNDS):
        for tenants in (FEW, MANY):
            one = Measured(issuer, tenants)
            loads[tenants] += one.configure_ms()
            rss[tenants].append(one.rss)
            costs[tenants].append(one.cpu_per_request())
            size[tenants] = one.config_bytes
            one.envoy.close()
    for tenants in (FEW, MANY):
        print(f"{tenants:5} tenants of {GRANTS} grants ({size[tenants]:,} bytes of JSON): the VM reads them in "
              f"{statistics.median(loads[tenants]):.0f} ms (worst {max(loads[tenants]):.0f}, {len(loads[tenants])} loads); "
              f"RSS {statistics.median(rss[tenants]) / 1e6:.1f} MB; "
              f"{statistics.median(costs[tenants]):.0f} us of CPU a request")
    ratio = statistics.median(many / few for few, many in zip(costs[FEW], costs[MANY]))
    print(f"a request with {MANY:,} tenants costs {ratio:.2f} of one with {FEW}")
    issuer.server.stop()


if __name__ == "__main__":
    sys.exit(main())
