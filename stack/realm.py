"""The realm `lake`: what its file says, so that no name, password or secret stands in two places."""

import json
from functools import cached_property
from pathlib import Path

from . import cache

LAKE = cache.TREE / "realm" / "lake.json"


class Realm:
    """A realm file in Keycloak's import format."""

    def __init__(self, file: Path = LAKE) -> None:
        self.file = file

    @cached_property
    def content(self) -> dict:
        """The file as it is imported."""
        return json.loads(self.file.read_text())

    @property
    def name(self) -> str:
        """The realm's name, as in its issuer."""
        return self.content["realm"]

    def secret(self, client_id: str) -> str | None:
        """The client's secret; None for a public client."""
        (client,) = [client for client in self.content["clients"] if client["clientId"] == client_id]
        return client.get("secret")

    def password(self, username: str) -> str:
        """The user's password."""
        (user,) = [user for user in self.content["users"] if user["username"] == username]
        (credential,) = [entry for entry in user["credentials"] if entry["type"] == "password"]
        return credential["value"]
