"""A real Keycloak with the realm `lake`, on loopback."""

import base64
import json
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from . import cache, keycloak_seed, web
from .keycloak_admin import KeycloakAdmin
from .parts import Part
from .ports import free_port
from .realm import LAKE, Realm

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


class Keycloak(Part):
    """The identity provider. Its data, keys and sessions survive a restart."""

    name = "keycloak"
    ready_seconds = 120.0

    def __init__(self, folder: Path | None = None, realm_file: Path = LAKE, seeding: bool = False) -> None:
        """`seeding`: start on an empty database and import the realm (only the seed itself is made so)."""
        super().__init__(folder)
        self.realm = Realm(realm_file)
        self.management_port = free_port()
        self._seeding = seeding

    # -- addresses -----------------------------------------------------------------------------------------------

    @property
    def issuer(self) -> str:
        """The issuer of the realm's tokens."""
        return f"{self.url}/realms/{self.realm.name}"

    @property
    def token_url(self) -> str:
        """The realm's token endpoint."""
        return f"{self.issuer}/protocol/openid-connect/token"

    @property
    def jwks_url(self) -> str:
        """The realm's keys."""
        return f"{self.issuer}/protocol/openid-connect/certs"

    # -- tokens --------------------------------------------------------------------------------------------------

    def user_token(self, username: str, scope: str = "to-icegate", client: str = "engine-cli") -> str:
        """The user's own access token, as an engine would hold it: by default its audience is the gate.

        `client="engine-short"` gives one that lives for 5 seconds. Scopes: to-icegate, to-catalog, to-other, table.read.
        People can also log in through the engine `trino`, whose tokens are for the gate by themselves (`scope=""`).
        """
        form = {"grant_type": "password", "username": username, "password": self.realm.password(username),
                "scope": f"openid {scope}".strip()}
        if self.realm.secret(client) is None:
            answer = web.post(self.token_url, form={**form, "client_id": client})
        else:
            answer = web.post(self.token_url, form=form, basic=self.credential(client))
        return answer.expect(200).json()["access_token"]

    def client_token(self, client: str = "trino", scope: str = "") -> str:
        """The client's own token (client credentials)."""
        form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        return web.post(self.token_url, form=form, basic=self.credential(client)).expect(200).json()["access_token"]

    def exchange(self, token: str, client: str = "icegate", **form: str) -> web.Answer:
        """Standard token exchange (RFC 8693) of `token` by `client`; whatever Keycloak answers."""
        asked = {"grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
        return web.post(self.token_url, form={**asked, **form}, basic=self.credential(client))

    def exchanged_token(self, token: str, audience: str = "catalog") -> str:
        """The token that the gate's client gets for the catalog in exchange for `token`."""
        return self.exchange(token, audience=audience).expect(200).json()["access_token"]

    def assert_user(self, assertion: str, client: str = "icegate-tokens") -> web.Answer:
        """What Keycloak answers to an assertion (RFC 7523) that the client hands in."""
        form = {"grant_type": JWT_BEARER, "assertion": assertion}
        return web.post(self.token_url, form=form, basic=self.credential(client))

    def credential(self, client: str) -> tuple[str, str]:
        """The client's id and secret, from the realm file."""
        return client, self.realm.secret(client) or ""

    @cached_property
    def admin(self) -> KeycloakAdmin:
        """What an administrator can do."""
        return KeycloakAdmin(self.url, self.realm.name, *keycloak_seed.ADMIN)

    # -- the process ---------------------------------------------------------------------------------------------

    @property
    def database(self) -> Path:
        """The file of its embedded database."""
        return self.folder / "data" / "h2" / keycloak_seed.DATABASE

    def command(self) -> list[str]:
        """Only loopback: without a local cache it would also bind the outer interface, for its cluster."""
        return [
            str(self.folder / "bin" / "kc.sh"), "start", "--optimized", "--cache=local",
            "--http-enabled=true", "--http-host=127.0.0.1", f"--http-port={self.port}",
            "--http-management-host=127.0.0.1", f"--http-management-port={self.management_port}",
            f"--hostname={self.url}", *(["--import-realm"] if self._seeding else []),
        ]

    def environment(self) -> Mapping[str, str]:
        """A modest heap, the runtime of the cache, and an administrator when the database is new."""
        if self._seeding:
            archive = f"-XX:ArchiveClassesAtExit={self.folder / keycloak_seed.CLASSES}"
        else:
            archive = f"-XX:SharedArchiveFile={keycloak_seed.seed_folder(self.realm.file) / keycloak_seed.CLASSES}"
        name, password = keycloak_seed.ADMIN
        return {
            "JAVA_HOME": str(cache.java_home()),
            "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx512m",
            "JAVA_OPTS_APPEND": f"{keycloak_seed.JVM} {archive} -Djava.io.tmpdir={self.folder / 'tmp'}",
            "KC_BOOTSTRAP_ADMIN_USERNAME": name,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": password,
        }

    def prepare(self) -> None:
        """Lays out its home, and before the first start puts the seeded database into it."""
        keycloak_seed.place_home(self.folder)
        if self._seeding:
            imported = self.folder / "data" / "import"
            imported.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.realm.file, imported)
        elif not self.database.exists():
            keycloak_seed.ensure_seed(self.realm.file)
            self.database.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(keycloak_seed.seed_folder(self.realm.file) / keycloak_seed.DATABASE, self.database)

    def is_ready(self) -> bool:
        """The management port's word: the main port answers 503 for a while after it opened."""
        return web.status(f"http://127.0.0.1:{self.management_port}/health/ready") == 200


def claims(token: str) -> dict[str, Any]:
    """The token's claims, unverified: for looking at what an identity provider made."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
