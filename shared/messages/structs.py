"""Makes structs of message classes, so that a well-formed record is read in a fraction of the time.

pydantic's classes are the contract. A struct made of one takes only what the class takes, with the same
meaning, and may refuse more: whoever reads with it lets the class judge what the struct refuses. Two
things of the contract it leaves to its reader: that texts hold no control characters, and the patterns of
the fields named in `proven`, with all that is within them (`spelling_of` finds those of a block at one go).
A test holds every struct against its class.
"""

import datetime
import re
import types
from collections.abc import Collection, Iterable
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

import msgspec
from pydantic import BaseModel, StringConstraints
from pydantic.fields import FieldInfo

from shared.messages.envelope import REFERENCE_PATTERN, TEXT_PATTERN

_AS_THEY_ARE: Final = frozenset({UUID, str, bool, int, datetime.date, type(None)})
_LEFT_TO_THE_READER: Final = frozenset({REFERENCE_PATTERN, TEXT_PATTERN})
_ANY_TEXT: Final = '"[^"]*+"'


def struct_of(
    model: type[BaseModel],
    *,
    proven: frozenset[str] = frozenset(),
    without: Collection[str] = (),
) -> type[msgspec.Struct]:
    """Return the struct of a message class: the same fields in the same order, absent ones `UNSET`.

    It does not know the fields `without` which it is made.

    Raises `TypeError` for a field of a type that it does not know.
    """
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    names: dict[str, str] = {}
    tag: str | None = None
    for name, field in model.model_fields.items():
        if name in without:
            continue
        if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
            tag = field.default
            continue
        kind = _type_of(_annotation(field), keep_code_pattern=name not in proven)
        if field.is_required():
            fields.append((name, kind))
        else:
            fields.append((name, kind | msgspec.UnsetType, msgspec.UNSET))
        if field.alias is not None:
            names[name] = field.alias
    return msgspec.defstruct(
        model.__name__,
        fields,
        tag=tag,
        tag_field=None if tag is None else "type",
        rename=names or None,
        frozen=True,
        kw_only=True,
        gc=False,
    )


def union_of(structs: Iterable[type[msgspec.Struct]]) -> Any:
    """Return the type that is any of these structs, by their tag."""
    return Union[tuple(structs)]  # noqa: UP007 - made of a list


def spelling_of(model: type[BaseModel]) -> dict[str, str]:
    """Return the pattern by which each field of a block is spelt, if it is there; without spaces or escapes.

    It stands with its key, and with the comma behind it where more follows; so one behind the other, between
    braces, they match the block as its struct is encoded, and hold its texts to the patterns of its class.
    Raises `TypeError` for a field of a type that it does not know.
    """
    return {
        name: f'(?:"{field.alias or name}":{_spelling(_annotation(field))},?)?'
        for name, field in model.model_fields.items()
    }


def _spelling(kind: Any) -> str:
    if kind is type(None):
        return "null"
    if kind in (str, UUID):
        return _ANY_TEXT
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return f"(?:{'|'.join(map(_spelling, get_args(kind)))})"
    if origin is Literal and all(isinstance(each, str) for each in get_args(kind)):
        return _ANY_TEXT
    if origin is Annotated and get_args(kind)[0] is str:
        (constraint,) = get_args(kind)[1:]
        pattern = str(constraint.pattern) if constraint.pattern is not None else REFERENCE_PATTERN
        if pattern in _LEFT_TO_THE_READER:
            return _ANY_TEXT
        return re.sub(r"\((?!\?)", "(?:", f'"{pattern.removeprefix("^").removesuffix("$")}"')
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return rf"\{{{''.join(spelling_of(kind).values())}\}}"
    raise TypeError(f"no block has a field of type {kind!r}")


def _annotation(field: FieldInfo) -> Any:
    kind: Any = field.annotation
    for each in field.metadata:
        kind = Annotated[kind, each]
    return kind


def _type_of(kind: Any, *, keep_code_pattern: bool = True) -> Any:
    if kind is datetime.datetime:
        return Annotated[datetime.datetime, msgspec.Meta(tz=True)]
    if kind in _AS_THEY_ARE:
        return kind
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *constraints = get_args(kind)
        return _constrained(_type_of(inner), constraints, keep_code_pattern=keep_code_pattern)
    if origin is Literal:
        return kind
    if origin in (Union, types.UnionType):
        members = [_type_of(each, keep_code_pattern=keep_code_pattern) for each in get_args(kind)]
        return Union[tuple(members)]  # noqa: UP007 - made of a list
    if origin is tuple:
        member, rest = get_args(kind)
        if rest is ...:
            return tuple[_type_of(member), ...]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return struct_of(kind, proven=frozenset() if keep_code_pattern else frozenset(kind.model_fields))
    raise TypeError(f"no struct has a field of type {kind!r}")


def _constrained(kind: Any, constraints: Iterable[Any], *, keep_code_pattern: bool) -> Any:
    for constraint in constraints:
        if isinstance(constraint, FieldInfo) and constraint.discriminator is not None:
            continue  # The structs' tags tell them apart.
        if isinstance(constraint, StringConstraints):
            pattern = constraint.pattern
            kept = pattern is not None and keep_code_pattern and pattern not in _LEFT_TO_THE_READER
            kind = Annotated[
                kind,
                msgspec.Meta(
                    min_length=constraint.min_length,
                    max_length=constraint.max_length,
                    pattern=str(pattern) if kept else None,
                ),
            ]
        else:
            raise TypeError(f"no struct has a field with {constraint!r}")
    return kind
