"""What tests and the demo do as Keycloak's administrator: users, keys, clients, and the record of what happened."""

import json
import time
from collections.abc import Mapping
from typing import Any

from . import web


class KeycloakAdmin:
    """The admin REST interface of one realm."""

    def __init__(self, url: str, realm: str, name: str, password: str) -> None:
        self._url = url
        self._base = f"{url}/admin/realms/{realm}"
        self._realm = realm
        self._credential = (name, password)
        self._token = ""
        self._token_until = 0.0

    # -- users ---------------------------------------------------------------------------------------------------

    def user_id(self, username: str) -> str:
        """The user's id, which is the `sub` of its tokens (service accounts are `service-account-<client>`)."""
        (user,) = self._get(f"/users?username={username}&exact=true")
        return user["id"]

    def create_user(self, username: str, password: str, tenant: str, groups: tuple[str, ...] = ()) -> str:
        """A new user who can log in at once; gives its id."""
        self._call("POST", "/users", {
            "username": username, "enabled": True, "emailVerified": True, "email": f"{username}@example.test",
            "firstName": username.capitalize(), "lastName": "Test", "attributes": {"tenant": [tenant]},
            "groups": list(groups), "credentials": [{"type": "password", "value": password, "temporary": False}],
        })
        return self.user_id(username)

    def set_user_enabled(self, username: str, enabled: bool) -> None:
        """Disables or enables the user; its tokens stop or go on being exchangeable at once."""
        self._call("PUT", f"/users/{self.user_id(username)}", {"enabled": enabled})

    def log_out(self, username: str) -> None:
        """Ends all of the user's sessions, as the button in the console does."""
        self._call("POST", f"/users/{self.user_id(username)}/logout")

    # -- keys ----------------------------------------------------------------------------------------------------

    def signing_keys(self) -> list[dict[str, Any]]:
        """The realm's signing keys, disabled ones too: `kid`, `status` (ACTIVE, PASSIVE, DISABLED), `providerPriority`."""
        return [key for key in self._get("/keys")["keys"] if key.get("use") == "SIG" and "publicKey" in key]

    def rotate_key(self) -> str:
        """A new signing key that tokens carry from now on; the old ones still verify. Gives the new `kid`."""
        before = self.signing_keys()
        priority = max(key["providerPriority"] for key in before) + 100
        self._call("POST", "/components", {
            "name": f"ecdsa-{priority}", "providerId": "ecdsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider", "parentId": self._get("")["id"],
            "config": {"priority": [str(priority)], "enabled": ["true"], "active": ["true"],
                       "ecdsaEllipticCurveKey": ["P-256"]},
        })
        (fresh,) = {key["kid"] for key in self.signing_keys()} - {key["kid"] for key in before}
        return fresh

    def disable_key(self, kid: str) -> None:
        """Takes the key out of the published set; tokens that it signed are refused from now on."""
        self._set_key_enabled(kid, False)

    def enable_key(self, kid: str) -> None:
        """Publishes a disabled key again."""
        self._set_key_enabled(kid, True)

    def _set_key_enabled(self, kid: str, enabled: bool) -> None:
        (component,) = {key["providerId"] for key in self.signing_keys() if key["kid"] == kid}
        content = self._get(f"/components/{component}")
        content["config"]["enabled"] = [str(enabled).lower()]
        self._call("PUT", f"/components/{component}", content)

    # -- clients and the realm -----------------------------------------------------------------------------------

    def create_client(self, client_id: str, **content: Any) -> None:
        """A new client. `content`: more of its representation, such as `attributes`."""
        self._call("POST", "/clients", {"clientId": client_id, "protocol": "openid-connect", **content})

    def delete_client(self, client_id: str) -> None:
        """Takes the client away."""
        (client,) = self._get(f"/clients?clientId={client_id}")
        self._call("DELETE", f"/clients/{client['id']}")

    def set_client_attributes(self, client_id: str, attributes: Mapping[str, str]) -> None:
        """Changes these attributes of the client; the others stay."""
        self._set_client(client_id, {"attributes": dict(attributes)})

    def set_client_secret(self, client_id: str, secret: str) -> None:
        """Gives the client another secret; the old one is refused at once."""
        self._set_client(client_id, {"secret": secret})

    def set_client_enabled(self, client_id: str, enabled: bool) -> None:
        """Disables or enables the client."""
        self._set_client(client_id, {"enabled": enabled})

    def set_client_lifespan(self, client_id: str, seconds: int | None) -> None:
        """How long the client's tokens live; None goes back to the realm's own choice."""
        self._set_client(client_id, {"attributes": {"access.token.lifespan": "" if seconds is None else str(seconds)}})

    def trust_assertions(
        self, issuer: str, keys: dict[str, Any], people: Mapping[str, str], client_id: str = "icegate",
    ) -> None:
        """Lets the client turn assertions (RFC 7523) of `issuer`, signed by `keys` (a JWKS), into tokens.

        `people`: the assertion's `sub` for each username; Keycloak makes no link by itself. Call it once per issuer.
        """
        self._call("POST", "/identity-provider/instances", {
            "alias": client_id, "providerId": "jwt-authorization-grant", "enabled": True,
            "config": {"issuer": issuer, "jwtAuthorizationGrantEnabled": "true", "useJwksUrl": "false",
                       "publicKeySignatureVerifier": json.dumps(keys),
                       "jwtAuthorizationGrantAssertionSignatureAlg": "ES256"},
        })
        self._set_client(client_id, {"attributes": {"oauth2.jwt.authorization.grant.enabled": "true",
                                                    "oauth2.jwt.authorization.grant.idp": client_id}})
        for username, subject in people.items():
            self.link(username, subject, client_id)

    def link(self, username: str, subject: str, provider: str = "gate") -> None:
        """Lets an assertion about `subject`, of the provider's issuer, stand for the user."""
        link = {"identityProvider": provider, "userId": subject, "userName": subject}
        self._call("POST", f"/users/{self.user_id(username)}/federated-identity/{provider}", link)

    def unlink(self, username: str, provider: str = "gate") -> None:
        """Takes that back."""
        self._call("DELETE", f"/users/{self.user_id(username)}/federated-identity/{provider}")

    def set_keys_url(self, url: str, provider: str = "gate") -> str:
        """Where Keycloak fetches the keys of the provider's assertions from: in tests the gate's port is another each time.

        Gives the address from before.
        """
        path = f"/identity-provider/instances/{provider}"
        content = self._get(path)
        before, content["config"]["jwksUrl"] = content["config"]["jwksUrl"], url
        self._call("PUT", path, content)
        return before

    def set_realm_enabled(self, enabled: bool) -> None:
        """A disabled realm refuses everything with 403 `Realm not enabled`."""
        self._call("PUT", "", {"enabled": enabled})

    def _set_client(self, client_id: str, change: dict[str, Any]) -> None:
        (client,) = self._get(f"/clients?clientId={client_id}")
        self._call("PUT", f"/clients/{client['id']}", change)

    # -- what happened -------------------------------------------------------------------------------------------

    def exchanges(self, username: str | None = None, failed: bool = False) -> list[dict[str, Any]]:
        """The token exchanges that Keycloak made (or refused, with `failed`), oldest first, since `clear_events`."""
        kind = "TOKEN_EXCHANGE_ERROR" if failed else "TOKEN_EXCHANGE"
        query = f"/events?type={kind}&max=100000"
        if username is not None:
            query += f"&user={self.user_id(username)}"
        return self._get(query)[::-1]

    def exchange_count(self, username: str | None = None) -> int:
        """How many token exchanges Keycloak made, of one user or of all."""
        return len(self.exchanges(username))

    def clear_events(self) -> None:
        """Forgets all events, so that a test counts its own."""
        self._call("DELETE", "/events")

    # -- the interface -------------------------------------------------------------------------------------------

    def _get(self, path: str) -> Any:
        return self._call("GET", path).json()

    def _call(self, method: str, path: str, content: Any = None) -> web.Answer:
        url = self._base + path
        answer = web.request(method, url, json_body=content, bearer=self.bearer())
        return answer.expect(200, 201, 204)

    def bearer(self) -> str:
        """The administrator's token, which lives for a minute."""
        if time.monotonic() > self._token_until:
            name, password = self._credential
            form = {"grant_type": "password", "client_id": "admin-cli", "username": name, "password": password}
            got = web.post(f"{self._url}/realms/master/protocol/openid-connect/token", form=form).expect(200).json()
            self._token = got["access_token"]
            self._token_until = time.monotonic() + got["expires_in"] / 2
        return self._token
