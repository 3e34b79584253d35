"""What the documents tell people to type does what they say."""

import os
import re
import subprocess
import time
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from stack import artifacts, cache, web
from stack.jwt import public_jwk, signed
from stack.keycloak import ACCESS_TOKEN, JWT_BEARER, TOKEN_EXCHANGE, claims
from stack.keycloak_seed import ADMIN, JVM
from stack.ports import free_port
from stack.standin import Reply

TOP = Path(__file__).resolve().parents[2]


def block(file, language, following):
    """The first code block of a language behind a piece of text."""
    text = (TOP / file).read_text()
    return re.search(rf"```{language}\n(.*?)```", text[text.index(following):], re.DOTALL)[1]


def test_the_readmes_commands_prepare_a_realm_of_ones_own(keycloak, tmp_path):
    realm = "own"
    shell = {
        "HOME": str(tmp_path), "JAVA_HOME": str(cache.java_home()), "KC_OPTS": JVM, "REALM": realm, "ENGINE": "notebook",
        "PATH": f"{cache.keycloak(artifacts.version('keycloak')) / 'bin'}:{os.environ['PATH']}",
    }
    prepare = f"""
kcadm.sh config credentials --server {keycloak.url} --realm master --user {ADMIN[0]} --password {ADMIN[1]}
kcadm.sh create realms -s realm={realm} -s enabled=true
kcadm.sh create clients -r {realm} -s clientId=notebook -s publicClient=true -s directAccessGrantsEnabled=true
kcadm.sh create users -r {realm} -s username=carol -s enabled=true -s email=c@example.test -s firstName=C -s lastName=D
kcadm.sh set-password -r {realm} --username carol --new-password carol-pw
"""
    readme = block("README.md", "sh", "run by tests/e2e/test_docs.py")
    script = f"set -e\n{prepare}\n{readme}\nprintf 'secret=%s\\n' \"$ICEGATE_SECRET\""
    done = subprocess.run(["bash", "-c", script], env=shell, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    secret = re.search(r"^secret=(\S+)$", done.stdout, re.MULTILINE)[1]

    token_url = f"{keycloak.url}/realms/{realm}/protocol/openid-connect/token"
    login = {"grant_type": "password", "client_id": "notebook", "username": "carol", "password": "carol-pw",
             "scope": "openid"}
    own = web.post(token_url, form=login).expect(200).json()["access_token"]
    exchange = {"grant_type": TOKEN_EXCHANGE, "subject_token": own, "subject_token_type": ACCESS_TOKEN,
                "audience": "catalog"}
    minted = web.post(token_url, form=exchange, basic=("icegate", secret)).expect(200).json()["access_token"]

    assert "icegate" in claims(own)["aud"]
    assert claims(minted)["aud"] == "catalog"
    assert claims(minted)["preferred_username"] == "carol"
    assert claims(minted)["exp"] - claims(minted)["iat"] == 600


def test_the_script_prepares_a_realm_for_the_token_endpoint(keycloak, standin, tmp_path):
    realm = "engines"
    shell = {
        "HOME": str(tmp_path), "JAVA_HOME": str(cache.java_home()), "KC_OPTS": JVM, "REALM": realm,
        "PATH": f"{cache.keycloak(artifacts.version('keycloak')) / 'bin'}:{os.environ['PATH']}",
    }

    def say(command, status=0):
        done = subprocess.run(["bash", "-c", f"set -e\n{command}"], env=shell, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    web.post(f"{keycloak.url}/admin/realms", bearer=keycloak.admin.bearer(), json_body={
        "realm": realm, "enabled": True,
        "clients": [{"clientId": "icegate"}, {"clientId": "trino", "secret": "trino-secret"},
                    {"clientId": "notebook", "publicClient": True, "directAccessGrantsEnabled": True}],
        "users": [{"username": "carol", "enabled": True, "email": "c@example.test", "firstName": "C", "lastName": "D",
                   "credentials": [{"type": "password", "value": "carol-pw"}]}]}).expect(201)
    say(f"kcadm.sh config credentials --server {keycloak.url} --realm master --user {ADMIN[0]} --password {ADMIN[1]}")
    script = TOP / "docs" / "keycloak-gate-tokens.sh"
    key = ec.generate_private_key(ec.SECP256R1())
    standin.on("/icegate/jwks.json", Reply.json({"keys": [public_jwk(key, "k1")]}))
    secret = say(f"{script} client").stdout.split()[-1]
    account = say(f"{script} engine trino").stdout.split()[-1]
    say(f"{script} login notebook")
    say(f"{script} issuer https://gate.example.test {standin.url}/icegate/jwks.json")
    say(f"{script} link carol")
    assert "is a program" in say(f"{script} link service-account-trino", 1).stderr

    issuer = f"{keycloak.url}/realms/{realm}"
    token_url = f"{issuer}/protocol/openid-connect/token"

    def token(form, basic=None):
        return claims(web.post(token_url, form=form, basic=basic).expect(200).json()["access_token"])

    def assertion(subject):
        now = int(time.time())
        return {"grant_type": JWT_BEARER, "assertion": signed(key, "k1", {
            "iss": "https://gate.example.test", "sub": subject, "aud": issuer, "iat": now, "exp": now + 60,
            "jti": str(uuid.uuid4())})}

    engine = token({"grant_type": "client_credentials"}, ("trino", "trino-secret"))
    login = {"grant_type": "password", "client_id": "notebook", "username": "carol", "password": "carol-pw"}
    own = web.post(token_url, form=login).expect(200).json()["access_token"]
    renewed = token({"grant_type": TOKEN_EXCHANGE, "subject_token": own, "subject_token_type": ACCESS_TOKEN},
                    ("icegate-tokens", secret))
    spoken = token(assertion("carol"), ("icegate-tokens", secret))

    assert engine["sub"] == account
    for each in (engine, renewed, spoken):
        assert {"icegate", "icegate-tokens"} <= set(each["aud"])
        assert "catalog" not in each["aud"]
    assert renewed["preferred_username"] == spoken["preferred_username"] == "carol"
    say(f"{script} unlink carol")
    refused = web.post(token_url, form=assertion("carol"), basic=("icegate-tokens", secret)).expect(400)
    assert refused.json() == {"error": "invalid_grant", "error_description": "User not found"}


def test_the_stats_tags_make_labels_of_prometheus(start_envoy, wasm):
    config = (TOP / "envoy" / "smallest.yaml").read_text().replace("port_value: 10000", f"port_value: {free_port()}")
    config += block("docs/metrics.md", "yaml", "stats_tags")
    envoy = start_envoy(config, wasm=wasm, variables={"ICEGATE_SECRET": "x"})

    lines = envoy.prometheus()

    for line in (
        'icegate_requests{catalog="lake",verdict="forwarded"} 0',
        'icegate_requests{catalog="NONE",verdict="refused"} 0',
        'icegate_refusals{refusal="token_expired"} 0',
        'icegate_exchanges{issuer="corp",outcome="minted"} 0',
        'icegate_cache{event="hit"} 0',
    ):
        assert line in lines, "\n".join(line for line in lines.splitlines() if "icegate" in line)
