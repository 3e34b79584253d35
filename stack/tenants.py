"""One Nessie that serves several tenants, with S3 below: the catalog of the tests about tenants.

In Nessie a name lives in a branch, and a warehouse only says where new tables are stored: what is made as `main|acme`
is there as `main|globex` too. So each tenant has a branch, a warehouse and a bucket of its own.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .keycloak import Keycloak
from .moto import Moto
from .nessie import Nessie
from .parts import start_all

TENANTS = ("acme", "globex")
# All of the realm: what one of them may not do, the gate alone keeps from them.
PEOPLE = ("alice", "bob", "mallory", "carol", "dave", "erin", "frank", "nobody", "root")
PROGRAMS = tuple(f"service-account-{engine}" for engine in ("trino", "trino-lab", "spark", "pyiceberg", "duckdb", "java"))


class TenantLake:
    """The catalog and the storage; the identity provider is somebody else's to start, and to stop.

    The first tenant's warehouse is Nessie's default one: whoever names no warehouse gets that one.
    """

    def __init__(
        self, keycloak: Keycloak, folder: Path | None = None, tenants: tuple[str, ...] = TENANTS,
        properties: Mapping[str, Any] | None = None,
    ) -> None:
        """`folder`: where the parts keep their files, each in a folder of its own name; else temporary folders.

        `properties`: further settings of Nessie's.
        """
        place = (lambda name: None) if folder is None else (lambda name: folder / name)
        self.tenants = tenants
        self.moto = Moto(place("moto"), buckets=tuple(map(bucket, tenants)))
        self.nessie = Nessie(keycloak, self.moto, place("nessie"), people=PEOPLE + PROGRAMS,
                             properties=properties, warehouses={tenant: location(tenant) for tenant in tenants})

    def client_properties(self, tenant: str, uri: str | None = None) -> dict[str, Any]:
        """What PyIceberg needs to work as that tenant, all but the token; `uri`: another way, such as a gate.

        Nessie itself would give the client the prefix `main|<warehouse>`; the client's own choice wins.
        """
        return {"type": "rest", "uri": uri or self.nessie.catalog_url, "warehouse": tenant, "prefix": prefix(tenant),
                **self.moto.client_properties()}

    def start(self) -> "TenantLake":
        """Starts both at once, waits for them, and makes the branches."""
        start_all(self.moto, self.nessie)
        for tenant in self.tenants:
            self.nessie.create_branch(tenant)
        return self

    def close(self) -> None:
        """Stops them."""
        self.nessie.close()
        self.moto.close()

    def __enter__(self) -> "TenantLake":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


def bucket(tenant: str) -> str:
    """The tenant's bucket."""
    return f"{tenant}-lake"


def location(tenant: str) -> str:
    """Where the tenant's warehouse keeps its tables."""
    return f"s3://{bucket(tenant)}/wh"


def prefix(tenant: str) -> str:
    """The tenant's prefix as it stands in paths: its branch and its warehouse."""
    return f"{tenant}%7C{tenant}"
