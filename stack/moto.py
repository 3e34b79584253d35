"""moto's S3 on loopback: the storage below Nessie."""

from collections.abc import Mapping
from pathlib import Path

from . import cache, web
from .parts import Part

REGION = "us-east-1"
ACCESS_KEY, SECRET_KEY = "test", "testtest"  # moto looks at neither


class Moto(Part):
    """An S3 that takes any credentials and keeps its objects in memory (a restart forgets them)."""

    name = "moto"
    BUCKETS = ("lake",)

    def __init__(self, folder: Path | None = None, buckets: tuple[str, ...] = BUCKETS) -> None:
        """`buckets`: made as soon as it is up, since Nessie is not ready before its bucket exists."""
        super().__init__(folder)
        self.buckets = buckets

    def command(self) -> list[str]:
        """The server of moto's own."""
        return [str(cache.venv() / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(self.port)]

    def is_ready(self) -> bool:
        """It answers, and its buckets are there."""
        return web.status(f"{self.url}/") == 200 and all(self._make(bucket) for bucket in self.buckets)

    def put(self, location: str, content: bytes) -> None:
        """Stores an object at `s3://bucket/key`, past every client and catalog."""
        self._request("PUT", location.removeprefix("s3://"), content).expect(200)

    def _make(self, bucket: str) -> bool:
        """Makes a bucket; making it twice does no harm here."""
        return self._request("PUT", bucket).status == 200

    def _request(self, method: str, path: str, content: bytes | None = None) -> web.Answer:
        """moto wants a signature only to look like one."""
        look = (f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20200101/{REGION}/s3/aws4_request, "
                "SignedHeaders=host, Signature=x")
        return web.request(method, f"{self.url}/{path}", headers={"Authorization": look}, body=content)

    def client_properties(self) -> Mapping[str, str]:
        """What an Iceberg client needs to write here."""
        return {"s3.endpoint": self.url, "s3.region": REGION, "s3.path-style-access": "true",
                "s3.access-key-id": ACCESS_KEY, "s3.secret-access-key": SECRET_KEY}
