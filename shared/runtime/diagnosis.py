"""What may be said of an error in logs and tables: its place and words, never a record's content."""

from shared.runtime.database import is_world_down
from shared.runtime.errors import ShardHalted, ShardLost


def where_of(error: BaseException) -> str:
    """The innermost place of our code that an error passed: file and line, never its values."""
    trace = error.__traceback__
    where = ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "/services/" in name or "/shared/" in name:
            short = (
                name[name.rfind("/services/") + 1 :]
                if "/services/" in name
                else name[name.rfind("/shared/") + 1 :]
            )
            where = f"{short}:{trace.tb_lineno}"
        trace = trace.tb_next
    return where


def words_of(error: BaseException) -> str:
    """An error's own words for the log; only of errors that carry none of a record's content."""
    if isinstance(error, ShardHalted | ShardLost | OSError) or is_world_down(error):
        return str(error)[:200]
    return where_of(error)
