"""The page of topics: keys, who writes and reads them, how long they are kept, and the headers."""

from typing import Final

from backoffice.cli.reference import markdown
from backoffice.cli.reference.markdown import table
from shared.messages.headers import HEADERS
from shared.messages.topics import DAY_MS, TOPICS, UNLIMITED, Topic

ABOUT: Final = (
    "Every topic has as many partitions as there are shards (`BACKOFFICE_PARTITIONS`) and the broker's "
    "timestamps (`LogAppendTime`). Keys are spread with murmur2, as Kafka's "
    "Java client does (librdkafka: `partitioner=murmur2_random`). `backoffice migrate` makes the "
    "topics; the services check them at their start. All are of the delete policy but the topic of keys; it "
    "is compacted: it keeps the last record of each key; what another has replaced is gone within a day."
)
ABOUT_HEADERS: Final = (
    "Values are text in UTF-8. Events carry CloudEvents headers (binary mode) and what a reader needs to "
    "have each event once and in order. Consumers read `read_committed` and skip a `seq` they had."
)
FOR_PROGRAMS: Final = (
    "What each topic carries is described in [messages](messages.md); for programs there is an [AsyncAPI 3.0 "
    "document](asyncapi.json)."
)


def page() -> str:
    """Describe every topic and every header."""
    topics = [
        (
            f"`{topic.name}`",
            topic.key,
            topic.owner,
            ", ".join(topic.producers),
            ", ".join(topic.consumers),
            _retention(topic),
            f"{topic.max_message_bytes:,}",
        )
        for topic in TOPICS
    ]
    headers = [
        (
            f"`{header.name}`",
            ", ".join(header.kinds),
            "always" if header.required else "where there is one",
            header.meaning,
        )
        for header in HEADERS
    ]
    return markdown.page(
        "Topics",
        ABOUT,
        table(("topic", "key", "owner", "written by", "read by", "kept", "bytes a record"), topics),
        "## Headers",
        ABOUT_HEADERS,
        table(("header", "on", "there", "meaning"), headers),
        FOR_PROGRAMS,
    )


def _retention(topic: Topic) -> str:
    if topic.is_compacted:
        return "the last of each key"
    return "for ever" if topic.retention_ms == UNLIMITED else f"{topic.retention_ms // DAY_MS} days"
