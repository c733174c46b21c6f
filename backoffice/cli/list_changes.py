"""Tells what one version of a list has that another has not."""

from backoffice.cli import output
from services.compliance.domain.lists.difference import Difference


def tell(code: str, before: str, after: str, found: Difference) -> None:
    """Print each entry that differs, and the total."""
    for change, entries in (("added", found.added), ("removed", found.removed)):
        for entry in entries:
            output.emit({"list": code, "change": change, "entry_id": entry.entry_id, **entry.facts})
    for each in found.changed:
        old, new = each.before.facts, each.after.facts
        facts = {fact: {"before": old[fact], "after": new[fact]} for fact in each.facts}
        output.emit({"list": code, "change": "changed", "entry_id": each.after.entry_id, "facts": facts})
    output.table(
        ("change", "entry", "name", "what"),
        [
            *(("added", each.entry_id, each.names[0], "") for each in found.added),
            *(("removed", each.entry_id, each.names[0], "") for each in found.removed),
            *(
                ("changed", each.after.entry_id, each.after.names[0], ", ".join(each.facts))
                for each in found.changed
            ),
        ],
    )
    total = {
        "total": True,
        "list": code,
        "before": before,
        "after": after,
        **counted(found),
    }
    output.emit(total, f"{code}, from {before} to {after}: {in_words(found)}.")


def counted(found: Difference) -> dict[str, int]:
    """Count the entries that differ, for a record."""
    return {
        "added": len(found.added),
        "removed": len(found.removed),
        "changed": len(found.changed),
        "to_screen_against": len(found.to_screen_against),
    }


def in_words(found: Difference) -> str:
    """Count the entries that differ, in words."""
    return (
        f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed,"
        f" {len(found.to_screen_against)} to screen all parties against"
    )
