"""Reads JSON Web Tokens (RFC 7519): who somebody is and which roles they have, or why it does not say.

The algorithm is the key's, never the token's: an RSA key reads RS256, a P-256 key ES256, an Ed25519 key EdDSA
(RFC 7518, RFC 8037), and anything else is a shared secret for HS256.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from shared.runtime import clock
from shared.runtime.errors import ConfigurationError

TOKEN_CHARACTERS_MAX: Final = 8192
SECRET_BYTES_MIN: Final = 32
"""RFC 7518, section 3.2: a key of the hash's size or larger."""
RSA_BITS_MIN: Final = 2048
"""RFC 7518, section 3.3."""
ES256_HALF_BYTES: Final = 32

Check = Callable[[bytes, bytes], None]
"""Raises `InvalidSignature` unless the first bytes are signed by the second."""
T = TypeVar("T")


class TokenRefused(Exception):  # noqa: N818  # an answer, not a fault
    """The token does not say who somebody is; the message says why, without anything of the token."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says that counts."""

    subject: str
    roles: frozenset[str]


class TokenReader:
    """Reads tokens signed with one key, by one issuer, for one audience."""

    def __init__(self, key: str, *, issuer: str, audience: str) -> None:
        """Take the key, a public one in PEM or a secret; raises `ConfigurationError` for a weak one."""
        self._algorithm, self._check = _checking(key)
        self._issuer = issuer
        self._audience = audience

    def read(self, token: str) -> Claims:
        """Return what a token says; raises `TokenRefused`."""
        parts = token.split(".")
        if len(token) > TOKEN_CHARACTERS_MAX or not token.isascii() or len(parts) != 3:
            raise TokenRefused("it is no signed token")
        head, body, signature = parts
        header = _object(head)
        if header.get("alg") != self._algorithm or "crit" in header:
            raise TokenRefused(f"it is not signed with {self._algorithm}")
        try:
            self._check(f"{head}.{body}".encode(), _decoded(signature))
        except InvalidSignature:
            raise TokenRefused("its signature is not of the key that counts here") from None
        return self._claims(_object(body))

    def _claims(self, said: Mapping[str, Any]) -> Claims:
        now = clock.now().timestamp()
        audience = said.get("aud")
        audiences: list[Any] = cast(list[Any], audience) if isinstance(audience, list) else [audience]
        if said.get("iss") != self._issuer:
            raise TokenRefused("it is of another issuer")
        if self._audience not in audiences:
            raise TokenRefused("it is for somebody else")
        if _wanted(said, "exp", (int, float)) <= now:
            raise TokenRefused("it has expired")
        if "nbf" in said and _wanted(said, "nbf", (int, float)) > now:
            raise TokenRefused("it does not count yet")
        roles: list[Any] = _wanted(said, "roles", list)
        if not all(isinstance(each, str) for each in roles):
            raise TokenRefused("it does not say the roles")
        return Claims(_wanted(said, "sub", str), frozenset(roles))


def sign_token(secret: str, claims: Mapping[str, Any]) -> str:
    """Make a token with a secret (HS256), for those who have no issuer; raises `ConfigurationError`."""
    algorithm, _ = _checking(secret)
    if algorithm != "HS256":
        raise ConfigurationError("the API's key is a public one: its issuer signs tokens")
    signed = ".".join(_encoded(json.dumps(each).encode()) for each in ({"alg": algorithm}, claims))
    return f"{signed}.{_encoded(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _wanted(said: Mapping[str, Any], name: str, kind: type[T] | tuple[type[Any], ...]) -> Any:
    value = said.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TokenRefused(f"it does not say {name}")
    return value


def _object(part: str) -> Mapping[str, Any]:
    try:
        found: Any = json.loads(_decoded(part))
    except (ValueError, RecursionError):
        raise TokenRefused("it is not written as a token is") from None
    if not isinstance(found, dict):
        raise TokenRefused("it is not written as a token is")
    return cast(Mapping[str, Any], found)


def _decoded(part: str) -> bytes:
    """Decode base64url without padding (RFC 7515, section 2)."""
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise TokenRefused("it is not written as a token is") from None


def _checking(key: str) -> tuple[str, Check]:
    if "-----BEGIN" not in key:
        secret = key.encode()
        if len(secret) < SECRET_BYTES_MIN:
            raise ConfigurationError(f"the API's key is a secret of under {SECRET_BYTES_MIN} bytes")
        return "HS256", lambda data, signature: _check_secret(secret, data, signature)
    try:
        public = load_pem_public_key(key.encode())
    except ValueError:
        raise ConfigurationError("the API's key is no public key in PEM") from None
    match public:
        case RSAPublicKey() if public.key_size >= RSA_BITS_MIN:
            return "RS256", lambda data, signature: public.verify(
                signature, data, padding.PKCS1v15(), SHA256()
            )
        case Ed25519PublicKey():
            return "EdDSA", lambda data, signature: public.verify(signature, data)
        case EllipticCurvePublicKey() if public.curve.name == "secp256r1":
            return "ES256", lambda data, signature: public.verify(_der(signature), data, ECDSA(SHA256()))
        case _:
            raise ConfigurationError(
                f"the API's key is none of RSA of {RSA_BITS_MIN} bits or more, P-256, and Ed25519"
            )


def _check_secret(secret: bytes, data: bytes, signature: bytes) -> None:
    if not hmac.compare_digest(hmac.digest(secret, data, hashlib.sha256), signature):
        raise InvalidSignature


def _der(signature: bytes) -> bytes:
    """Spell an ES256 signature, two numbers side by side, as the library reads it."""
    if len(signature) != 2 * ES256_HALF_BYTES:
        raise InvalidSignature
    halves = signature[:ES256_HALF_BYTES], signature[ES256_HALF_BYTES:]
    return encode_dss_signature(*(int.from_bytes(half) for half in halves))
