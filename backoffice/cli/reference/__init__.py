"""Makes docs/reference from code: pages to read, and the contract for programs."""

from backoffice.cli.reference import (
    asyncapi,
    commands,
    iso20022,
    json_schemas,
    messages,
    openapi,
    reasons,
    rules,
    topics,
)


def pages() -> dict[str, str]:
    """Return each file's text by its name below docs/reference."""
    return {
        "messages.md": messages.page(),
        "topics.md": topics.page(),
        "reasons.md": reasons.page(),
        "rules.md": rules.page(),
        "iso20022.md": iso20022.page(),
        "commands.md": commands.page(),
        "asyncapi.json": asyncapi.text(),
        "compliance-openapi.json": openapi.text(),
        **json_schemas.texts(),
    }
