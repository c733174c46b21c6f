"""Reads XML of a publisher into a plain tree, refusing what a list has no need of.

A document type is refused, and with it every entity and external reference: nothing is expanded or fetched.
"""

from collections.abc import Iterator
from typing import Any, Final
from xml.parsers import expat

from services.compliance.domain.lists.refusal import ListRefused

DEPTH_MAX: Final = 40


class Node:
    """An element: its name and attributes without namespaces, its own text, the elements in it."""

    __slots__ = ("attributes", "children", "line", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str], line: int) -> None:
        self.name = name
        self.attributes = attributes
        self.line = line
        self.text = ""
        self.children: list[Node] = []

    def all(self, name: str) -> Iterator["Node"]:
        """Yield the elements of a name right below this one."""
        return (child for child in self.children if child.name == name)

    def deep(self, name: str) -> Iterator["Node"]:
        """Yield the elements of a name anywhere below this one, in their order."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.deep(name)

    def value(self, name: str) -> str:
        """Return the text of the first element of a name right below this one; empty where there is none."""
        return next((child.text.strip() for child in self.all(name)), "")


def read_xml(file: str, content: bytes) -> Node:
    """Return the root; raises `ListRefused` where it is cut off, not well-formed, or has a document type."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    root = Node("", {}, 0)
    open_nodes = [root]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_nodes) > DEPTH_MAX:
            raise ListRefused(file, parser.CurrentLineNumber, "the XML is nested too deeply for a list")
        node = Node(
            _local(name), {_local(key): value for key, value in attributes.items()}, parser.CurrentLineNumber
        )
        open_nodes[-1].children.append(node)
        open_nodes.append(node)

    def end(_: str) -> None:
        open_nodes.pop()

    def text(data: str) -> None:
        open_nodes[-1].text += data

    def refuse(*_: Any) -> int:
        raise ListRefused(file, parser.CurrentLineNumber, "the XML declares a document type or entities")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        why = f"the XML is cut off or not well-formed: {expat.ErrorString(error.code)}"
        raise ListRefused(file, error.lineno, why) from None
    return root.children[0]


def _local(name: str) -> str:
    return name.rpartition(":")[2]
