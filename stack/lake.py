"""The whole lake without a gate: Keycloak, S3 and Nessie, side by side. The demo and the tests start from this."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .keycloak import Keycloak
from .moto import Moto
from .nessie import WAREHOUSE, Nessie
from .parts import start_all

# pyarrow stores with aws-chunk framing otherwise, which moto keeps in the objects. Set before pyarrow is loaded.
CLIENT_VARIABLES = {
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
}


class Lake:
    """The identity provider, the storage and the catalog, as one thing to start and to stop."""

    def __init__(
        self, folder: Path | None = None, people: tuple[str, ...] = ("alice", "bob"), buckets: tuple[str, ...] = (),
        warehouses: Mapping[str, str] | None = None,
    ) -> None:
        """`folder`: where the parts keep their files, each in a folder of its own name; else temporary folders.

        `people`: whom Nessie lets in; `buckets` and `warehouses`: more of them than the one that is there anyway.
        """
        place = (lambda name: None) if folder is None else (lambda name: folder / name)
        self.keycloak = Keycloak(place("keycloak"))
        first = Moto.BUCKETS[0]
        self.moto = Moto(place("moto"), buckets=(first, *buckets))
        self.nessie = Nessie(self.keycloak, self.moto, place("nessie"), people=people,
                             warehouses={WAREHOUSE: f"s3://{first}/wh", **(warehouses or {})})

    def client_properties(self, uri: str | None = None) -> dict[str, Any]:
        """What PyIceberg needs for this catalog, all but the token; `uri`: another way to it, such as a gate."""
        return {"type": "rest", "uri": uri or self.nessie.catalog_url, "warehouse": WAREHOUSE,
                **self.moto.client_properties()}

    def start(self) -> "Lake":
        """Starts all three at once and waits for them."""
        start_all(self.keycloak, self.moto, self.nessie)
        return self

    def close(self) -> None:
        """Stops them, those that lean on others first."""
        for part in (self.nessie, self.moto, self.keycloak):
            part.close()

    def __enter__(self) -> "Lake":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()
