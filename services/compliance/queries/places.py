"""Where in a list a row stands, so that the rows after it can be asked for."""

from datetime import datetime
from typing import Final

Place = tuple[datetime, int, int]
"""When a row was recorded, its shard and its number: the order of lists that come in pages."""

NOWHERE: Final = (None, None, None)
"""Before the first row."""
