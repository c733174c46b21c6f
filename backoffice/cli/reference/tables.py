"""Spells each service's schema as a fresh database has it: services/*/schema.sql.

Migrations say how a schema came to be, this says what it is. It is read from PostgreSQL's catalogs; a test
compares whole catalogs, so what is not spelt here is missed there.
"""

import secrets
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg

from backoffice.stack import schema
from backoffice.stack.postgres import EmbeddedPostgres

HEAD: Final = """\
-- What a fresh database has in the schema {schema}; the logins exist.
-- Made by `backoffice docs --tables` from the migrations. Do not edit: change them and run it again.

CREATE SCHEMA {schema};
SET search_path = {schema};
"""


async def texts() -> dict[str, str]:
    """Return each service's schema as SQL by its file, from a database that is migrated for this only."""
    async with _migrated() as dsn:
        connection = await asyncpg.connect(dsn)
        try:
            return {file_of(name): await schema_text(connection, name) for name in schema.SERVICES}
        finally:
            await connection.close()


def file_of(service: str) -> str:
    """Return the path of a service's schema in the source tree."""
    return f"services/{service}/schema.sql"


@asynccontextmanager
async def _migrated() -> AsyncIterator[str]:
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="backoffice-docs-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", settings={"fsync": "off"})
        await server.start()
        try:
            admin = await asyncpg.connect(server.superuser_dsn)
            await admin.execute(
                f"CREATE ROLE {schema.OWNER} LOGIN CREATEROLE CREATEDB PASSWORD '{password}'"  # hexadecimal
            )
            await admin.execute(f"CREATE DATABASE backoffice OWNER {schema.OWNER}")
            await admin.close()
            dsn = server.dsn(user=schema.OWNER, password=password, database="backoffice")
            await schema.migrate(dsn, passwords=dict.fromkeys(schema.LOGINS, password), partitions=1)
            yield dsn
        finally:
            await server.stop()


async def schema_text(connection: Any, name: str) -> str:
    """Spell one schema: running the text as the owner makes another of the same.

    Types, functions, tables and views stand in the order in which they were made; with each table its
    indexes, triggers, comments and grants.
    """
    await connection.execute("SELECT set_config('search_path', quote_ident($1), false)", name)
    parts = [HEAD.format(schema=name), *await _types(connection, name), *await _functions(connection, name)]
    late: list[str] = []
    parts += [await _table(connection, table, late) for table in await connection.fetch(_TABLES, name)]
    if late:
        parts.append("".join(late))
    rights = await connection.fetch(_SCHEMA_RIGHTS, name)
    return "\n".join([*parts, "".join(_grants(rights, f"SCHEMA {name}"))])


# ── types and functions ──────────────────────────────────────────────────────────────────────────

_TYPES: Final = """
    SELECT oid::regtype::text AS name, obj_description(oid, 'pg_type') AS comment,
        ARRAY(
            SELECT quote_literal(enumlabel) FROM pg_enum WHERE enumtypid = pg_type.oid ORDER BY enumsortorder
        ) AS labels
    FROM pg_type
    WHERE typnamespace = $1::text::regnamespace AND typtype = 'e'
    ORDER BY oid
"""
_FUNCTIONS: Final = """
    SELECT oid::regprocedure::text AS name, pg_get_functiondef(oid) AS definition,
        obj_description(oid, 'pg_proc') AS comment,
        CASE prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS kind,
        proacl IS NOT NULL AND NOT EXISTS (SELECT FROM aclexplode(proacl) AS acl WHERE acl.grantee = 0)
            AS closed,
        oid
    FROM pg_proc
    WHERE pronamespace = $1::text::regnamespace AND prokind IN ('f', 'p')
    ORDER BY oid
"""
_FUNCTION_RIGHTS: Final = """
    SELECT grantee::regrole::text AS role, privilege_type AS right
    FROM pg_proc, aclexplode(proacl) AS acl
    WHERE oid = $1 AND grantee NOT IN (0, proowner)
"""
_SCHEMA_RIGHTS: Final = """
    SELECT grantee::regrole::text AS role, privilege_type AS right
    FROM pg_namespace, aclexplode(nspacl) AS acl
    WHERE nspname = $1 AND grantee NOT IN (0, nspowner)
"""


async def _types(connection: Any, name: str) -> list[str]:
    return [
        f"CREATE TYPE {row['name']} AS ENUM ("
        + ",".join(f"\n    {each}" for each in row["labels"])
        + "\n);\n"
        + "".join(_comment("TYPE", row["name"], row["comment"]))
        for row in await connection.fetch(_TYPES, name)
    ]


async def _functions(connection: Any, name: str) -> list[str]:
    rows = await connection.fetch(_FUNCTIONS, name)
    parts = ["SET check_function_bodies = false;\n"] if rows else []  # they may name tables, which come later
    for row in rows:
        what = f"{row['kind']} {row['name']}"
        rights = await connection.fetch(_FUNCTION_RIGHTS, row["oid"])
        parts.append(
            "".join(
                [
                    f"{row['definition'].rstrip()};\n",
                    *_comment(row["kind"], row["name"], row["comment"]),
                    *([f"REVOKE ALL ON {what} FROM PUBLIC;\n"] if row["closed"] else []),
                    *_grants(rights, what),
                ]
            )
        )
    return parts


# ── tables ───────────────────────────────────────────────────────────────────────────────────────

_TABLES: Final = """
    SELECT pg_class.oid, pg_class.oid::regclass::text AS name, relkind::text AS kind,
        relpersistence::text AS persistence,
        array_to_string(reloptions, ', ') AS options, obj_description(pg_class.oid, 'pg_class') AS comment,
        pg_get_expr(relpartbound, pg_class.oid, true) AS bound, inhparent::regclass::text AS parent,
        CASE WHEN relkind = 'p' THEN pg_get_partkeydef(pg_class.oid) END AS partition_key,
        CASE WHEN relkind = 'v' THEN pg_get_viewdef(pg_class.oid, true) END AS query
    FROM pg_class LEFT JOIN pg_inherits ON inhrelid = pg_class.oid
    WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'p', 'v')
    ORDER BY pg_class.oid
"""
_COLUMNS: Final = """
    SELECT quote_ident(attname) AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS not_null,
        CASE WHEN attcollation <> typcollation THEN attcollation::regcollation::text END AS collation,
        CASE WHEN attstorage <> typstorage THEN
            CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
                ELSE 'EXTENDED' END
        END AS storage,
        CASE attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
        CASE attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END AS identity,
        attgenerated::text AS generated, pg_get_expr(adbin, adrelid, true) AS expression,
        col_description(attrelid, attnum) AS comment
    FROM pg_attribute
        JOIN pg_type ON pg_type.oid = atttypid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
"""
_CONSTRAINTS: Final = """
    SELECT quote_ident(conname) AS name,
        pg_get_constraintdef(oid, true) || coalesce((
            SELECT ' WITH (' || array_to_string(reloptions, ', ') || ')'
            FROM pg_class
            WHERE pg_class.oid = conindid AND contype IN ('p', 'u') AND reloptions IS NOT NULL
        ), '') AS definition,
        contype = 'f' AND confrelid > conrelid AS late, obj_description(oid, 'pg_constraint') AS comment
    FROM pg_constraint
    WHERE conrelid = $1 AND contype IN ('p', 'u', 'x', 'c', 'f') AND conislocal AND conparentid = 0
    ORDER BY array_position('{p,u,x,c,f}', contype::text), conname
"""
_INDEXES: Final = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid, 0, true) AS definition,
        obj_description(indexrelid, 'pg_class') AS comment
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = $1 AND NOT relispartition
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
    ORDER BY indexrelid
"""
_TRIGGERS: Final = """
    SELECT pg_get_triggerdef(oid, true) AS definition
    FROM pg_trigger
    WHERE tgrelid = $1 AND NOT tgisinternal AND tgparentid = 0
    ORDER BY oid
"""
_TABLE_RIGHTS: Final = """
    SELECT grantee::regrole::text AS role, privilege_type AS right
    FROM pg_class, aclexplode(relacl) AS acl
    WHERE oid = $1 AND grantee NOT IN (0, relowner)
    UNION ALL
    SELECT grantee::regrole::text,
        format('%s (%s)', privilege_type, string_agg(quote_ident(attname), ', ' ORDER BY attnum))
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid, aclexplode(attacl) AS acl
    WHERE pg_class.oid = $1 AND grantee NOT IN (0, relowner)
    GROUP BY grantee, privilege_type
"""


async def _table(connection: Any, table: Any, late: list[str]) -> str:
    """Spell a table or view and what belongs to it; references to later tables are added to `late`."""
    name, oid = table["name"], table["oid"]
    columns = await connection.fetch(_COLUMNS, oid)
    constraints = await connection.fetch(_CONSTRAINTS, oid)
    indexes = await connection.fetch(_INDEXES, oid)
    lines = [] if table["parent"] else [_column(column) for column in columns]
    lines += [f"CONSTRAINT {row['name']} {row['definition']}" for row in constraints if not row["late"]]
    late += [
        f"ALTER TABLE {name} ADD CONSTRAINT {row['name']} {row['definition']};\n"
        for row in constraints
        if row["late"]
    ]
    return "".join(
        [
            _create(table, lines),
            *(f"{row['definition'].replace(' ON ONLY ', ' ON ')};\n" for row in indexes),
            *(f"{row['definition']};\n" for row in await connection.fetch(_TRIGGERS, oid)),
            *_comment("VIEW" if table["query"] else "TABLE", name, table["comment"]),
            *(
                line
                for row in columns
                for line in _comment("COLUMN", f"{name}.{row['name']}", row["comment"])
            ),
            *(
                line
                for row in constraints
                for line in _comment("CONSTRAINT", f"{row['name']} ON {name}", row["comment"])
            ),
            *(line for row in indexes for line in _comment("INDEX", row["name"], row["comment"])),
            *_grants(await connection.fetch(_TABLE_RIGHTS, oid), name),
        ]
    )


def _create(table: Any, lines: Sequence[str]) -> str:
    if table["query"]:
        options = f" WITH ({table['options']})" if table["options"] else ""
        return f"CREATE VIEW {table['name']}{options} AS\n{table['query']}\n"
    words = ["CREATE UNLOGGED TABLE" if table["persistence"] == "u" else "CREATE TABLE", table["name"]]
    if table["parent"]:
        words.append(f"PARTITION OF {table['parent']}")
    if lines or not table["parent"]:
        words.append("(\n    " + ",\n    ".join(lines) + "\n)")
    if table["bound"]:
        words.append(table["bound"])
    if table["partition_key"]:
        words.append(f"PARTITION BY {table['partition_key']}")
    if table["options"]:
        words.append(f"WITH ({table['options']})")
    return f"{' '.join(words)};\n"


def _column(column: Any) -> str:
    words = [column["name"], column["type"]]
    if column["storage"]:
        words.append(f"STORAGE {column['storage']}")
    if column["compression"]:
        words.append(f"COMPRESSION {column['compression']}")
    if column["collation"]:
        words.append(f"COLLATE {column['collation']}")
    if column["identity"]:
        words.append(f"GENERATED {column['identity']} AS IDENTITY")
    elif column["generated"]:
        stored = "STORED" if column["generated"] == "s" else "VIRTUAL"
        words.append(f"GENERATED ALWAYS AS ({column['expression']}) {stored}")
    elif column["expression"]:
        words.append(f"DEFAULT {column['expression']}")
    if column["not_null"]:
        words.append("NOT NULL")
    return " ".join(words)


# ── comments and grants ──────────────────────────────────────────────────────────────────────────


def _comment(kind: str, name: str, comment: str | None) -> Iterable[str]:
    if comment is not None:
        quoted = comment.replace("'", "''")
        yield f"COMMENT ON {kind} {name} IS '{quoted}';\n"


def _grants(rights: Iterable[Any], what: str) -> Iterable[str]:
    by_role: dict[str, list[str]] = {}
    for row in sorted(rights, key=lambda row: (row["role"], row["right"])):
        by_role.setdefault(row["role"], []).append(row["right"])
    for role, granted in by_role.items():
        yield f"GRANT {', '.join(granted)} ON {what} TO {role};\n"
