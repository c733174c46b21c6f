"""Signs checkpoints of the ledger, and checks proofs against them: with files alone, no stack."""

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from backoffice.cli.errors import FOUND, USAGE, CommandError
from services.transactions.queries.seals import body_of_plain
from services.transactions.queries.verifying import Anchor

PUBLIC_SUFFIX: Final = ".pub"
PURPOSE: Final = b"backoffice ledger checkpoint 1\n"
"""Stands before the bytes that are signed, so that the signature can mean nothing else."""
SEAL_EVERY: Final = 1_024


def new_key(path: Path) -> Path:
    """Write a new private key that only its owner may read, and its public key beside it; return where."""
    private = Ed25519PrivateKey.generate()
    public = path.with_name(path.name + PUBLIC_SUFFIX)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError(
            "file_exists", f"{path} is there already.", "Name another file for the new key.", USAGE
        ) from None
    except OSError as problem:
        raise CommandError(
            "file_not_written", f"{path}: {problem.strerror}.", "Name another file.", USAGE
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return public


def canonical(value: Any) -> bytes:
    """Spell JSON in the one way that is signed: keys sorted, no spaces, ASCII alone."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def sign(checkpoint: dict[str, Any], key: Path) -> str:
    """Return the signature of a checkpoint in hexadecimal."""
    private = _load(key, lambda pem: load_pem_private_key(pem, None))
    if not isinstance(private, Ed25519PrivateKey):
        raise _not_a_key(key)
    return private.sign(PURPOSE + canonical(checkpoint)).hex()


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key."""
    public = _load(path, load_pem_public_key)
    if not isinstance(public, Ed25519PublicKey):
        raise _not_a_key(path)
    return public


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that holds a JSON object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise CommandError("file_not_read", f"{path}: {problem}.", "Check the file's name.", USAGE) from None
    if not isinstance(found, dict):
        raise CommandError("file_not_read", f"{path} holds no JSON object.", "Check the file.", USAGE)
    return cast(dict[str, Any], found)


def anchors_of(signed: dict[str, Any], path: Path) -> list[Anchor]:
    """Return the heads that a checkpoint keeps."""
    try:
        return [
            Anchor(each["shard"], each["seq"], bytes.fromhex(each["head"]))
            for each in signed["checkpoint"]["shards"]
        ]
    except (LookupError, TypeError, ValueError):
        raise CommandError(
            "not_a_checkpoint", f"{path} holds no checkpoint.", "Check the file's name.", USAGE
        ) from None


def flaw_of(signed: dict[str, Any], public: Ed25519PublicKey) -> str | None:
    """Return what is wrong with a checkpoint's signature, or none."""
    try:
        public.verify(bytes.fromhex(signed["signature"]), PURPOSE + canonical(signed["checkpoint"]))
    except (InvalidSignature, KeyError, TypeError, ValueError):
        return "the checkpoint is not signed with this key"
    return None


def flaw_of_proof(proof: dict[str, Any], public: Ed25519PublicKey) -> str | None:
    """Return why a proof does not show what it says, or none where it does."""
    try:
        return flaw_of(proof, public) or _flaw_of_path(proof)
    except (KeyError, TypeError, ValueError, OverflowError):
        return "the proof is not spelt as one"


def _flaw_of_path(proof: dict[str, Any]) -> str | None:
    shard, seq = int(proof["shard"]), int(proof["seq"])
    body = proof["body"].encode()
    event = json.loads(body)
    if (event["shard"], event["seq"]) != (shard, seq):
        return "the event has another number than the proof says"
    stand = next((each for each in proof["checkpoint"]["shards"] if each["shard"] == shard), None)
    if stand is None or not 0 < seq <= stand["seq"]:
        return "the checkpoint does not reach the event"
    row = bytes.fromhex(proof["row"])
    previous, accounts = bytes.fromhex(proof["previous"]), proof["accounts"]
    if accounts is None:
        node = sha256(b"\x00" + previous + len(body).to_bytes(4, "big") + body + row).digest()
    elif body_of_plain(row, accounts) == body:
        node = sha256(b"\x03" + previous + row + accounts.encode()).digest()
    else:
        return "the event is not what its row says"
    sealed_seq = stand["sealed_seq"]
    is_sealed = seq <= sealed_seq
    root = _root_over(
        node,
        (seq - 1) % SEAL_EVERY,
        SEAL_EVERY if is_sealed else stand["seq"] - sealed_seq,
        [bytes.fromhex(each) for each in proof["path"]],
    )
    if root is None:
        return "the path has another length than the event's place"
    if not is_sealed:
        return None if root.hex() == stand["open_root"] else "the path does not lead to the checkpoint"
    last_seq = (seq - 1) // SEAL_EVERY * SEAL_EVERY
    seal = bytes.fromhex(proof["previous_seal"])
    for each in (root, *(bytes.fromhex(each) for each in proof["roots_after"])):
        place = shard.to_bytes(4, "big") + (last_seq + 1).to_bytes(8, "big")
        last_seq += SEAL_EVERY
        seal = sha256(b"\x02" + place + last_seq.to_bytes(8, "big") + seal + each).digest()
    if last_seq != sealed_seq or seal.hex() != stand["seal"]:
        return "the seals do not lead to the checkpoint"
    return None


def _root_over(node: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """Climb from a leaf to the root of a tree of `size` leaves (RFC 9162, section 2.1.3.2)."""
    last = size - 1
    for each in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            node = sha256(b"\x01" + each + node).digest()
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            node = sha256(b"\x01" + node + each).digest()
        index >>= 1
        last >>= 1
    return node if last == 0 else None


def _load(path: Path, read: Any) -> Any:
    try:
        return read(path.read_bytes())
    except OSError as problem:
        raise CommandError(
            "file_not_read", f"{path}: {problem.strerror}.", "Check the file's name.", USAGE
        ) from None
    except (ValueError, TypeError):
        raise _not_a_key(path) from None


def _not_a_key(path: Path) -> CommandError:
    hint = "`backoffice ledger checkpoint --new-key FILE` makes a pair."
    public = path.with_name(path.name + PUBLIC_SUFFIX)
    if public.exists():
        hint = f"The public key stands beside it, in {public}."
    elif path.suffix == PUBLIC_SUFFIX:
        hint = f"A checkpoint is signed with the private key: {path.with_suffix('')}, if it is still there."
    return CommandError("not_a_key", f"{path} holds no Ed25519 key of the kind that is needed.", hint, FOUND)
