"""Every token and secret of a session, and the search for them in all that the gate left behind."""

import base64
import json
from pathlib import Path
from urllib.parse import quote_plus

from stack import web
from stack.realm import Realm
from stack.standin import Seen, Standin

TOKENS = ("access_token", "id_token", "refresh_token")


class Canaries:
    """What must be found nowhere, and the folders to search."""

    def __init__(self) -> None:
        self.words: set[bytes] = set()
        self.folders: list[Path] = []

    def plant(self, secret: str) -> str:
        """A token or a secret that is used from now on."""
        self.words.add(secret.encode())
        # A part of a token would do for a thief's search as well; the header is no secret.
        parts = secret.split(".")
        if len(parts) == 3:
            self.words |= {part.encode()[:48] for part in parts[1:] if len(part) >= 24}
        return secret

    def plant_credential(self, name: str, secret: str) -> None:
        """A client's secret, also as HTTP Basic has it."""
        self.plant(secret)
        pair = f"{quote_plus(name)}:{quote_plus(secret)}"
        self.plant(base64.b64encode(pair.encode()).decode())

    def plant_realm(self, realm: Realm) -> None:
        """Every secret and password of a realm."""
        for client in realm.content["clients"]:
            if "secret" in client:
                self.plant_credential(client["clientId"], client["secret"])
        for name in realm.people:
            self.plant(realm.password(name))

    def watch(self, patch) -> None:
        """Plants every token that a test gets or sends, and every one that reaches a stand-in."""
        request, take = web.request, Standin._take

        def watched_request(method, url, **options):
            answer = request(method, url, **options)
            if options.get("bearer"):
                self.plant(options["bearer"])
            if answer.headers.get("content-type", "").startswith("application/json"):
                self._plant_answer(answer.body)
            return answer

        def watched_take(standin: Standin, seen: Seen):
            for value in seen.all_headers("authorization"):
                self.plant(value.partition(" ")[2])
            return take(standin, seen)

        patch.setattr(web, "request", watched_request)
        patch.setattr(Standin, "_take", watched_take)

    def _plant_answer(self, body: bytes) -> None:
        try:
            content = json.loads(body)
        except ValueError:
            return
        if isinstance(content, dict):
            for name in TOKENS:
                if isinstance(content.get(name), str):
                    self.plant(content[name])

    def files(self) -> list[Path]:
        """Every file that a gate, or its Envoy, wrote; what Envoy was started with is not among them."""
        return [file for folder in self.folders for file in folder.rglob("*")
                if file.is_file() and file.name != "envoy.yaml"]

    def found(self) -> list[str]:
        """Where a canary is; never what it is."""
        words = {word for word in self.words if len(word) >= 6}
        hits = []
        for file in self.files():
            content = file.read_bytes()
            hits += [f"{file}: line {content[:content.index(word)].count(10) + 1}" for word in words if word in content]
        return sorted(set(hits))
