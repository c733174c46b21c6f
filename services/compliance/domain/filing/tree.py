"""Writes what is filled in as XML: an element for each field, in the order in which its class has them."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from xml.etree import ElementTree as Xml

from services.compliance.domain.filing.sheet import Part


def write_field(
    parent: Xml.Element, name: str, value: Any, items: Mapping[str, str], spell: Callable[[date], str]
) -> None:
    """Add what a field says; nothing where it says nothing.

    `items` names the lists that stand in an element of their own, and what each of their elements is called;
    in other lists each bears the field's name. `spell` writes days and times.
    """
    match value:
        case None | ():
            pass
        case tuple():
            parts: tuple[Any, ...] = value
            holder = Xml.SubElement(parent, name) if name in items else parent
            for part in parts:
                write_field(holder, items.get(name, name), part, items, spell)
        case Part():
            element = Xml.SubElement(parent, name)
            for field in type(value).model_fields:
                write_field(element, field, getattr(value, field), items, spell)
        case date():
            Xml.SubElement(parent, name).text = spell(value)
        case _:
            Xml.SubElement(parent, name).text = str(value)


def spelled(root: Xml.Element) -> bytes:
    """Spell the document."""
    Xml.indent(root)
    return Xml.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"
