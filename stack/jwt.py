"""Signed tokens of the tests' own making: what a gate, a stand-in identity provider or a forger would sign.

Needs the packages of the virtual environment (`cryptography`). Every part of a token can be chosen, wrong ones too.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def signed(key: Key, kid: str | None, claims: Mapping[str, Any] | bytes, **header: Any) -> str:
    """A compact JWS: ES256 or RS256 by the key's kind. `header`: members on top of, or instead of, the usual ones.

    Claims given as bytes are signed as they are, for payloads that no JSON writer would make.
    """
    usual = {"alg": "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256", "typ": "JWT"}
    if kid is not None:
        usual["kid"] = kid
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    message = f"{_encode(json.dumps({**usual, **header}).encode())}.{_encode(payload)}"
    return f"{message}.{_encode(_signature(key, message.encode()))}"


def public_jwk(key: Key, kid: str) -> dict[str, str]:
    """The public half as a JWK."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        numbers = key.public_key().public_numbers()
        point = {"x": _encode(numbers.x.to_bytes(32, "big")), "y": _encode(numbers.y.to_bytes(32, "big"))}
        return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, **point}
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid,
            "n": _encode(_minimal(numbers.n)), "e": _encode(_minimal(numbers.e))}


def _signature(key: Key, message: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def _minimal(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
