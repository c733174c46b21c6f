"""Holds a report against the XML schema (XSD) that its authority publishes.

The schemas are the authorities' own files, given as bytes by name. What a schema includes or imports is taken
from these files by its last name, wherever it says that it lies; no other file is read, and no network asked.
What is said of a fault names line and element, and never what stands there: a report is about people.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree as _lxml  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]

etree: Any = _lxml

_SAID: Final = re.compile(r"(?s)^Element '[^']*'(?:, attribute '(?P<attribute>[^']*)')?: (?P<rest>.*)$")
_STRUCTURE: Final = re.compile(
    r"^(This element is not expected|Missing child element|No matching global (element )?declaration"
    r"|Character content|The attribute '[^']*' is (not allowed|required))"
)
"""What names elements and attributes only."""
_FACET: Final = re.compile(r"(?s)^\[facet '(?P<facet>\w+)'\]")
_TYPE: Final = re.compile(r"(?s)^'.*' is not a valid value of the .*type '(?P<type>[^']*)'\.$")
_NAMESPACE: Final = re.compile(r"\{[^}]*\}")

FAULTS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing in a report that its schema refuses."""

    line: int
    element: str
    """Its path from the root, `/report/transaction[2]/amount_local`."""
    words: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.element}: {self.words}"


class SchemaError(ValueError):
    """A schema is missing, or is none; the message says which file and why."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema ready to hold reports against."""

    name: str
    sha256: str
    """Over the names and contents of all files that it is made of."""
    compiled: Any

    def faults(self, report: bytes) -> tuple[Fault, ...]:
        """Return what the schema refuses in a report, in the order of its lines, 100 at the most."""
        self.compiled.validate(etree.fromstring(report, _parser()))
        found = [_fault(entry) for entry in self.compiled.error_log]
        return tuple(dict.fromkeys(sorted(found, key=lambda each: each.line)))[:FAULTS_MAX]


def read_schema(name: str, files: Mapping[str, bytes]) -> Schema:
    """Make a schema ready from files by name; raises `SchemaError`."""
    if name not in files:
        raise SchemaError(f"there is no {name}")
    used = _Used(files)
    used.take(name)
    parser = _parser()
    parser.resolvers.add(used.resolver())
    try:
        compiled = etree.XMLSchema(etree.fromstring(files[name], parser, base_url=name))
    except (etree.XMLSyntaxError, etree.XMLSchemaParseError) as problem:
        if used.missing:
            raise SchemaError(f"{name} needs {', '.join(used.missing)}, which is not there") from problem
        raise SchemaError(f"{name} is no XML schema: {problem}") from problem
    return Schema(name, used.digest(), compiled)


def _parser() -> Any:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


class _Used:
    """Which files a schema is made of."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.taken: dict[str, bytes] = {}
        self.missing: list[str] = []

    def take(self, name: str) -> bytes | None:
        """Return a file's content, and remember that it was used, or missing."""
        content = self.files.get(name)
        if content is None:
            self.missing.append(name)
        else:
            self.taken[name] = content
        return content

    def digest(self) -> str:
        """Return the SHA-256 over all that was used."""
        digest = hashlib.sha256()
        for name, content in sorted(self.taken.items()):
            digest.update(f"{name} {len(content)}\n".encode())
            digest.update(content)
        return digest.hexdigest()

    def resolver(self) -> Any:
        """Return lxml's resolver that finds what is included among the files, and nowhere else."""
        used = self

        class Resolver(etree.Resolver):
            def resolve(self, system_url: str, public_id: str | None, context: Any) -> Any:
                del public_id
                content = used.take(system_url.rsplit("/", 1)[-1])
                if content is None:
                    raise LookupError(system_url)
                return self.resolve_string(content, context, base_url=system_url)

        return Resolver()


def _fault(entry: Any) -> Fault:
    said = _SAID.match(entry.message)
    attribute = f"@{said['attribute']}" if said is not None and said["attribute"] else ""
    words = _words(said["rest"]) if said is not None else "is not as the schema wants it"
    return Fault(entry.line, f"{_NAMESPACE.sub('', entry.path or '')}{attribute}", words)


def _words(rest: str) -> str:
    """Say what is wrong without what stands there: of what may hold it, the kind of rule alone."""
    if _STRUCTURE.match(rest):
        return _NAMESPACE.sub("", rest)
    facet, kind = _FACET.match(rest), _TYPE.match(rest)
    if facet is not None:
        return f"what stands there breaks the schema's {facet['facet']}"
    if kind is not None:
        return f"what stands there is no {kind['type']}"
    return "what stands there is not as the schema wants it"
