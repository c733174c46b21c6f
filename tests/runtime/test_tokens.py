"""Tokens say who somebody is only when all of it is as it must be."""

import hashlib
import hmac
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime import clock
from shared.runtime.errors import ConfigurationError
from shared.runtime.tokens import Claims, TokenReader, TokenRefused, sign_token
from tests.support.asgi import encoded, token

SECRET = "a phrase of more than thirty-two bytes"
NOW = clock.now().timestamp()
CLAIMS: dict[str, Any] = {"iss": "idp", "aud": "us", "sub": "ann", "roles": ["analyst"], "exp": NOW + 3600}


def secretly(data: bytes) -> bytes:
    """Sign with the secret."""
    return hmac.digest(SECRET.encode(), data, hashlib.sha256)


def reader(key: str = SECRET) -> TokenReader:
    """Make a reader of tokens by the issuer, for us."""
    return TokenReader(key, issuer="idp", audience="us")


def _pem(public: Any) -> str:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _rsa() -> tuple[str, Callable[[bytes], bytes]]:
    key = rsa.generate_private_key(65537, 2048)
    return _pem(key.public_key()), lambda data: key.sign(data, padding.PKCS1v15(), SHA256())


def _ec() -> tuple[str, Callable[[bytes], bytes]]:
    key = ec.generate_private_key(ec.SECP256R1())

    def sign(data: bytes) -> bytes:
        numbers = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
        return b"".join(each.to_bytes(32) for each in numbers)

    return _pem(key.public_key()), sign


def _ed() -> tuple[str, Callable[[bytes], bytes]]:
    key = ed25519.Ed25519PrivateKey.generate()
    return _pem(key.public_key()), key.sign


@pytest.mark.parametrize(("make", "algorithm"), [(_rsa, "RS256"), (_ec, "ES256"), (_ed, "EdDSA")])
def test_a_token_counts_by_the_public_key_of_its_issuer(
    make: Callable[[], tuple[str, Callable[[bytes], bytes]]], algorithm: str
) -> None:
    """The service needs no secret; and a token signed with the key itself as a secret is none."""
    pem, sign = make()
    claims = reader(pem).read(token(CLAIMS, sign, algorithm))
    assert (claims.subject, claims.roles) == ("ann", {"analyst"})
    for forged in (
        token(CLAIMS, lambda data: hmac.digest(pem.encode(), data, hashlib.sha256), "HS256"),
        token(CLAIMS, lambda data: sign(data + b"x"), algorithm),
        token(CLAIMS, lambda _: b"", algorithm),
        token(CLAIMS, lambda _: b"", "none"),
    ):
        with pytest.raises(TokenRefused):
            reader(pem).read(forged)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"exp": NOW - 1}, "expired"),
    "never expires": ({"exp": None}, "exp"),
    "expires at a word": ({"exp": "tomorrow"}, "exp"),
    "expires at true": ({"exp": True}, "exp"),
    "expires at no number": ({"exp": nan}, "exp"),
    "expires infinitely late": ({"exp": inf}, "exp"),
    "begins at no number": ({"nbf": nan}, "nbf"),
    "not yet": ({"nbf": NOW + 86_400}, "not count yet"),
    "of another issuer": ({"iss": "other"}, "issuer"),
    "for others": ({"aud": ["them"]}, "somebody else"),
    "for nobody": ({"aud": None}, "somebody else"),
    "by nobody": ({"sub": None}, "sub"),
    "without roles": ({"roles": None}, "roles"),
    "roles that are a word": ({"roles": "analyst"}, "roles"),
    "roles that are numbers": ({"roles": [1]}, "roles"),
}


@pytest.mark.parametrize(("changes", "words"), REFUSED.values(), ids=REFUSED)
def test_a_token_that_does_not_say_all_is_refused(changes: dict[str, Any], words: str) -> None:
    """Each claim must be there, and count here and now."""
    with pytest.raises(TokenRefused, match=words):
        reader().read(token({**CLAIMS, **changes}, secretly, "HS256"))


def test_a_token_for_several_counts_for_each() -> None:
    """`aud` is one or a list (RFC 7519, 4.1.3)."""
    assert reader().read(token({**CLAIMS, "aud": ["them", "us"]}, secretly, "HS256")).subject == "ann"


@pytest.mark.parametrize(
    "made",
    [
        token(CLAIMS, secretly, "HS512"),
        token(CLAIMS, secretly, "none"),
        token(CLAIMS, secretly, "HS256", crit=["exp"]),
        token(CLAIMS, lambda _: b"", "HS256"),
        token([], secretly, "HS256"),  # pyright: ignore[reportArgumentType]
        f"{encoded(b'{')}.{encoded(b'{}')}.{encoded(b'x')}",
        "a.b",
        "",
        "..",
        "é.é.é",
        "x" * 9000,
        f"{encoded(b'[' * 6000)}.{encoded(b'{}')}.x",
    ],
)
def test_what_is_no_token_of_ours_is_refused(made: str) -> None:
    """Another algorithm, an extension that must be understood, no signature, or no token at all."""
    with pytest.raises(TokenRefused):
        reader().read(made)


@given(position=st.integers(0, 10_000), change=st.integers(1, 63))
def test_a_token_changed_in_one_character_is_refused(position: int, change: int) -> None:
    """But for the last bits of a base64 spelling, which may say nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    plain = token(CLAIMS, secretly, "HS256")
    place = position % (len(plain) - 1)
    if plain[place] == ".":
        return
    other = alphabet[(alphabet.index(plain[place]) + change) % 64]
    changed = plain[:place] + other + plain[place + 1 :]
    with pytest.raises(TokenRefused):
        reader().read(changed)


def test_a_token_of_our_own_counts() -> None:
    """Where the key is a secret, whoever has it may make tokens; with a public key nobody can."""
    assert reader().read(sign_token(SECRET, CLAIMS)) == Claims("ann", frozenset({"analyst"}))
    with pytest.raises(ConfigurationError, match="its issuer signs tokens"):
        sign_token(_ed()[0], CLAIMS)


def test_a_weak_key_is_refused_at_the_start() -> None:
    """A short secret can be guessed, and a key of a kind nobody reads would refuse everybody."""
    small = _pem(rsa.generate_private_key(65537, 1024).public_key())
    curve = _pem(ec.generate_private_key(ec.SECP384R1()).public_key())
    for key in ("short", small, curve, "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----"):
        with pytest.raises(ConfigurationError):
            reader(key)
