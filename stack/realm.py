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

    @property
    def people(self) -> list[str]:
        """The users who can log in; the others are service accounts."""
        return [user["username"] for user in self.content["users"] if "credentials" in user]

    def password(self, username: str) -> str:
        """The user's password."""
        (credential,) = [entry for entry in self._user(username)["credentials"] if entry["type"] == "password"]
        return credential["value"]

    def service_account(self, client_id: str) -> str:
        """The id of the client's service account, which is the `sub` of the client's own tokens."""
        return self._user(f"service-account-{client_id}")["id"]

    def _user(self, username: str) -> dict:
        (user,) = [user for user in self.content["users"] if user["username"] == username]
        return user
