"""A gate that answers the token endpoint: how it is configured, and what an engine says to it."""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from gate import Gate

from stack import web
from stack.keycloak import ACCESS_TOKEN, TOKEN_EXCHANGE, Keycloak
from stack.web import Answer

ASSERTION_ISSUER = "https://gate.test"
JWKS_PATH = "/icegate/jwks.json"
JWT = "urn:ietf:params:oauth:token-type:jwt"


def private_key() -> str:
    """A fresh key of P-256 in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


def service(keycloak: Keycloak, client: str, may: list[str], **more: Any) -> dict[str, Any]:
    """An engine of the realm, as the configuration lists it."""
    who = {"issuer": "corp", "sub": keycloak.realm.service_account(client), "azp": client}
    return {"who": who, "may": may, **more}


def configuration(keycloak: Keycloak, services: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a gate answer the token endpoint, to be merged into the rest."""
    gate_tokens = {
        "client": {"id": "icegate-tokens", "secret": {"env": "ICEGATE_TOKENS_SECRET"}},
        "assertion": {"issuer": ASSERTION_ISSUER, "jwks_path": JWKS_PATH,
                      "keys": [{"id": "k1", "key": {"env": "ICEGATE_ASSERTION_KEY"}}]},
    }
    return {"allow_on_headers_stop_iteration": True, "issuers": {"corp": {"gate_tokens": gate_tokens}},
            "services": dict(services)}


def variables(keycloak: Keycloak, canaries: Any) -> dict[str, str]:
    """The secrets that it names."""
    key = private_key()
    for line in key.splitlines()[1:-1]:
        canaries.plant(line)
    return {"ICEGATE_TOKENS_SECRET": keycloak.credential("icegate-tokens")[1], "ICEGATE_ASSERTION_KEY": key}


def edit(bootstrap: dict) -> None:
    """What Envoy itself must be told."""
    from bootstrap import gate_filter
    plugin = gate_filter(bootstrap)["typed_config"]["config"]
    plugin["allow_on_headers_stop_iteration"] = True


def believe(keycloak: Keycloak, gate: Gate) -> str:
    """Lets Keycloak fetch the keys of the gate's assertions from this gate; gives the address from before."""
    return keycloak.admin.set_keys_url(f"http://127.0.0.1:{gate.port}{JWKS_PATH}")


class Engine:
    """An engine, as the token endpoint of a gate sees it."""

    def __init__(self, gate: Gate, client: str, secret: str, base: str = "/iceberg") -> None:
        self.url = f"http://127.0.0.1:{gate.port}{base}/v1/oauth/tokens"
        self.credential = client, secret

    def ask(self, form: Mapping[str, Any], **options: Any) -> Answer:
        """A form, and whatever the gate answers."""
        return web.post(self.url, form=form, **options)

    def login(self, **more: str) -> Answer:
        """As Iceberg Java and PyIceberg do."""
        client, secret = self.credential
        return self.ask({"grant_type": "client_credentials", "client_id": client, "client_secret": secret,
                         "scope": "catalog", **more})

    def token(self) -> str:
        """Its own token."""
        return issued(self.login())

    def word(self, user: str, *, actor: str | None = None, bearer: str | None = None, **claims: Any) -> Answer:
        """As Trino does for a session of a user."""
        actor = self.token() if actor is None else actor
        said = {"sub": user, "iss": "476", "iat": int(time.time()), "user": user, "source": "test", **claims}
        return self.ask({"grant_type": TOKEN_EXCHANGE, "scope": "catalog", "subject_token": unsigned(said),
                         "subject_token_type": JWT, "actor_token": actor, "actor_token_type": ACCESS_TOKEN},
                        bearer=actor if bearer is None else bearer)

    def exchange(self, subject: str, kind: str = ACCESS_TOKEN, **options: Any) -> Answer:
        """As Iceberg Java does for the token of a user: with its own as actor."""
        actor = self.token()
        return self.ask({"grant_type": TOKEN_EXCHANGE, "scope": "catalog", "subject_token": subject,
                         "subject_token_type": kind, "actor_token": actor, "actor_token_type": ACCESS_TOKEN},
                        bearer=actor, **options)

    def refresh(self, token: str, *, basic: bool = False) -> Answer:
        """As Iceberg Java does before a token ends, and by Basic when it has ended."""
        proof = {"basic": self.credential} if basic else {"bearer": token}
        return self.ask({"grant_type": TOKEN_EXCHANGE, "scope": "catalog", "subject_token": token,
                         "subject_token_type": ACCESS_TOKEN}, **proof)


def unsigned(claims: Mapping[str, Any]) -> str:
    """An unsecured JWT (RFC 7519 section 6), as Trino makes it."""
    def part(content: Mapping[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
    return f"{part({'alg': 'none'})}.{part(claims)}."


def issued(answer: Answer) -> str:
    """The token of an answer that is as it must be."""
    assert answer.status == 200, answer.text()
    assert answer.headers.get_all("cache-control") == ["no-store"]
    assert answer.headers.get_all("content-type") == ["application/json"]
    said = answer.json()
    assert set(said) == {"access_token", "token_type", "expires_in", "issued_token_type"}
    assert (said["token_type"], said["issued_token_type"]) == ("bearer", ACCESS_TOKEN)
    assert isinstance(said["expires_in"], int) and said["expires_in"] > 0
    return said["access_token"]


def refused(answer: Answer, status: int, code: str) -> str:
    """The description of an error that is as it must be."""
    assert answer.status == status, answer.text()
    assert answer.headers.get_all("cache-control") == ["no-store"]
    assert answer.headers.get_all("content-type") == ["application/json"]
    said = answer.json()
    assert set(said) == {"error", "error_description"}
    assert said["error"] == code, said
    return said["error_description"].partition(" (ref ")[0]
