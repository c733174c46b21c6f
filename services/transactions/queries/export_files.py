"""The files of an export, as JSON lines or as Parquet: both hold the same lines.

In Parquet a line is a row: numbers are 64-bit integers, what is JSON within a line (`detail`, `seen`, lists)
its text, and everything else text as in the lines. pyarrow is loaded only where Parquet is asked for.
"""

import hashlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

ROWS: Final = 50_000
"""Of a group of rows, which are held at a time."""
_INTEGERS: Final = frozenset({"int2", "int4", "int8"})
_TEXTS: Final = frozenset({"text", "varchar", "name", "uuid", "date", "timestamptz", "timestamp", "bytea"})
_JSON: Final = {b"json": b"1"}


class ParquetMissingError(Exception):
    """pyarrow is not installed."""


class Spelling(StrEnum):
    """In which form lines are written."""

    JSON_LINES = "jsonl"
    PARQUET = "parquet"


class JsonLinesFile:
    """A file of JSON lines that knows their number and its hash."""

    def __init__(self, folder: Path, name: str, progress: Callable[[str, int], None]) -> None:
        self.name = f"{name}.jsonl"
        self._file: BinaryIO = (folder / self.name).open("xb")
        self._hash = hashlib.sha256()
        self._progress = progress
        self.lines = 0
        self.bytes = 0

    async def write(self, data: bytes) -> None:
        """Write whole lines."""
        self._file.write(data)
        self._hash.update(data)
        self.lines += data.count(b"\n")
        self.bytes += len(data)
        self._progress(self.name, self.lines)

    def close(self) -> dict[str, Any]:
        """Return what the manifest says of it."""
        self._file.close()
        return {
            "file": self.name,
            "lines": self.lines,
            "bytes": self.bytes,
            "sha256": self._hash.hexdigest(),
        }


class ParquetFile:
    """A Parquet file, written by groups of rows; `columns` are its names with PostgreSQL's types."""

    def __init__(
        self, folder: Path, name: str, progress: Callable[[str, int], None], columns: Mapping[str, str]
    ) -> None:
        import pyarrow
        import pyarrow.parquet

        self.name = f"{name}.parquet"
        self._path = folder / self.name
        self._arrow: Any = pyarrow
        kinds = {each: _kind_of(kind) for each, kind in columns.items()}
        self._schema: Any = pyarrow.schema(
            [
                pyarrow.field(each, kind.arrow(pyarrow), metadata=_JSON if kind is _Kind.JSON else None)
                for each, kind in kinds.items()
            ]
        )
        self._kinds = list(kinds.values())
        fields = [(f"column_{place}", kind.python, None) for place, kind in enumerate(self._kinds)]
        names = {f"column_{place}": each for place, each in enumerate(kinds)}
        self._decode = msgspec.json.Decoder(msgspec.defstruct("Line", fields, rename=names)).decode
        self._writer: Any = pyarrow.parquet.ParquetWriter(self._path, self._schema, compression="zstd")
        self._progress = progress
        self._rows: list[tuple[Any, ...]] = []
        self._rest = b""
        self.lines = 0

    async def write(self, data: bytes) -> None:
        """Write lines; the last one may go on in the next data."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rows += [msgspec.structs.astuple(self._decode(line)) for line in lines]
        if len(self._rows) >= ROWS:
            self._flush()

    def close(self) -> dict[str, Any]:
        """Return what the manifest says of it."""
        self._flush()
        self._writer.close()
        with self._path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        return {
            "file": self.name,
            "lines": self.lines,
            "bytes": self._path.stat().st_size,
            "sha256": digest.hexdigest(),
        }

    def _flush(self) -> None:
        columns = list(zip(*self._rows, strict=True)) or [() for _ in self._kinds]
        arrays = [
            [_text_of(each) for each in column] if kind is _Kind.JSON else list(column)
            for kind, column in zip(self._kinds, columns, strict=True)
        ]
        self._writer.write_table(self._arrow.table(arrays, schema=self._schema))
        self.lines += len(self._rows)
        self._rows.clear()
        self._progress(self.name, self.lines)


class _Kind(StrEnum):
    """What a column holds."""

    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "text"
    JSON = "json"

    @property
    def python(self) -> Any:
        """How it is decoded."""
        return {"integer": int | None, "boolean": bool | None, "text": str | None, "json": msgspec.Raw}[self]

    def arrow(self, pyarrow: Any) -> Any:
        """How it is kept."""
        return {"integer": pyarrow.int64, "boolean": pyarrow.bool_}.get(self, pyarrow.string)()


def _kind_of(kind: str) -> _Kind:
    if kind in _INTEGERS:
        return _Kind.INTEGER
    if kind == "bool":
        return _Kind.BOOLEAN
    # Types of the schema's own are enums, which are spelt as text.
    return _Kind.TEXT if kind in _TEXTS or kind == "enum" else _Kind.JSON


def _text_of(value: Any) -> str | None:
    text = None if value is None else bytes(value).decode()
    return None if text == "null" else text


def need_parquet() -> None:
    """Raise `ParquetMissingError` unless Parquet can be read and written here."""
    if importlib.util.find_spec("pyarrow") is None:
        raise ParquetMissingError("Parquet needs pyarrow, which `pip install backoffice[parquet]` brings")


def path_of(folder: Path, name: str) -> Path:
    """Return the file that holds these lines, in whatever form."""
    parquet = folder / f"{name}.parquet"
    return parquet if parquet.exists() else folder / f"{name}.jsonl"


def lines_of(path: Path) -> Iterator[bytes]:
    """Read a file's lines in whatever form, each with its line feed."""
    if path.suffix != ".parquet":
        with path.open("rb") as file:
            yield from file
        return
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(path)
    schema: Any = file.schema_arrow
    json = {each.name for each in schema if (each.metadata or {}).get(b"json")}
    encode = msgspec.json.Encoder().encode
    for batch in file.iter_batches(ROWS):
        for row in batch.to_pylist():
            for name in json:
                if row[name] is not None:
                    row[name] = msgspec.Raw(row[name].encode())
            yield encode(row) + b"\n"


def count_of(path: Path) -> int:
    """Say how many lines a Parquet file holds."""
    import pyarrow.parquet

    return int(pyarrow.parquet.ParquetFile(path).metadata.num_rows)
