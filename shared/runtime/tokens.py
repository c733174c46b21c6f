"""Reads JSON Web Tokens (RFC 7519): who somebody is and which roles they have, or why it does not say.

The algorithm is the key's, never the token's: an RSA key reads RS256, a P-256 key ES256, an Ed25519 key EdDSA
(RFC 7518, RFC 8037), and anything else is a shared secret for HS256.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, TypeVar, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from shared.runtime import clock
from shared.runtime.errors import ConfigurationError

TOKEN_CHARACTERS_MAX: Final = 8192
SECRET_BYTES_MIN: Final = 32
"""RFC 7518, section 3.2: a key of the hash's size or larger."""
RSA_BITS_MIN: Final = 2048
"""RFC 7518, section 3.3."""

Key = str | RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
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
        self._algorithm, self._key = _algorithm_of(key)
        self._issuer = issuer
        self._audience = audience

    def read(self, token: str) -> Claims:
        """Return what a token says; raises `TokenRefused`.

        The library looks at the signature and the spelling; what is claimed is looked at here, by our clock.
        """
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise TokenRefused("it is no signed token")
        try:
            found = jwt.decode_complete(token, self._key, [self._algorithm], options=_SIGNATURE_ALONE)
        except jwt.InvalidAlgorithmError:
            raise TokenRefused(f"it is not signed with {self._algorithm}") from None
        except jwt.InvalidSignatureError:
            raise TokenRefused("its signature is not of the key that counts here") from None
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise TokenRefused("it is not written as a token is") from None
        if "crit" in found["header"]:
            raise TokenRefused("it asks for an extension that is not known here")
        return self._claims(found["payload"])

    def _claims(self, said: Mapping[str, Any]) -> Claims:
        now = clock.now().timestamp()
        audience = said.get("aud")
        audiences: list[Any] = cast(list[Any], audience) if isinstance(audience, list) else [audience]
        if said.get("iss") != self._issuer:
            raise TokenRefused("it is of another issuer")
        if self._audience not in audiences:
            raise TokenRefused("it is for somebody else")
        if _instant(said, "exp") <= now:
            raise TokenRefused("it has expired")
        if "nbf" in said and _instant(said, "nbf") > now:
            raise TokenRefused("it does not count yet")
        roles: list[Any] = _wanted(said, "roles", list)
        if not all(isinstance(each, str) for each in roles):
            raise TokenRefused("it does not say the roles")
        return Claims(_wanted(said, "sub", str), frozenset(roles))


_SIGNATURE_ALONE: Final[Any] = {
    "verify_signature": True,
    **dict.fromkeys((f"verify_{each}" for each in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")), False),
}


def sign_token(secret: str, claims: Mapping[str, Any]) -> str:
    """Make a token with a secret (HS256), for those who have no issuer; raises `ConfigurationError`."""
    algorithm, key = _algorithm_of(secret)
    if not isinstance(key, str):
        raise ConfigurationError("the API's key is a public one: its issuer signs tokens")
    return jwt.encode(dict(claims), key, algorithm)


def _wanted(said: Mapping[str, Any], name: str, kind: type[T] | tuple[type[Any], ...]) -> Any:
    value = said.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TokenRefused(f"it does not say {name}")
    return value


def _instant(said: Mapping[str, Any], name: str) -> int | float:
    """Return a time in seconds. One that is no number, or infinitely far, compares with none."""
    value: int | float = _wanted(said, name, (int, float))
    if not isfinite(value):
        raise TokenRefused(f"it does not say {name}")
    return value


def _algorithm_of(key: str) -> tuple[str, Key]:
    if "-----BEGIN" not in key:
        if len(key.encode()) < SECRET_BYTES_MIN:
            raise ConfigurationError(f"the API's key is a secret of under {SECRET_BYTES_MIN} bytes")
        return "HS256", key
    try:
        public = load_pem_public_key(key.encode())
    except ValueError:
        raise ConfigurationError("the API's key is no public key in PEM") from None
    match public:
        case RSAPublicKey() if public.key_size >= RSA_BITS_MIN:
            return "RS256", public
        case Ed25519PublicKey():
            return "EdDSA", public
        case EllipticCurvePublicKey() if public.curve.name == "secp256r1":
            return "ES256", public
        case _:
            raise ConfigurationError(
                f"the API's key is none of RSA of {RSA_BITS_MIN} bits or more, P-256, and Ed25519"
            )
