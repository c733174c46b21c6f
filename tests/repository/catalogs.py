"""Reads everything PostgreSQL's catalogs say about one schema, so that two databases can be compared."""

from typing import Any

_SETTINGS = "ARRAY(SELECT unnest({})::text ORDER BY 1)"
_OURS = "relnamespace = $1::text::regnamespace"

QUERIES = {
    "schema": f"""
        SELECT nspname, nspowner::regrole, {_SETTINGS.format("nspacl")}, obj_description(oid, 'pg_namespace')
        FROM pg_namespace WHERE nspname = $1
    """,
    "rights by default": f"""
        SELECT defaclrole::regrole, defaclobjtype, {_SETTINGS.format("defaclacl")}
        FROM pg_default_acl WHERE defaclnamespace = $1::text::regnamespace
    """,
    "relations": f"""
        SELECT relname, relkind, relpersistence, relowner::regrole, reloftype, relrowsecurity,
            relforcerowsecurity, relreplident, amname, reltablespace,
            {_SETTINGS.format("reloptions")}, {_SETTINGS.format("relacl")},
            pg_get_expr(relpartbound, pg_class.oid),
            CASE WHEN relkind = 'p' THEN pg_get_partkeydef(pg_class.oid) END,
            CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(pg_class.oid) END,
            (SELECT {_SETTINGS.format("toast.reloptions")} FROM pg_class AS toast
                WHERE toast.oid = pg_class.reltoastrelid),
            ARRAY(SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = pg_class.oid),
            obj_description(pg_class.oid, 'pg_class')
        FROM pg_class LEFT JOIN pg_am ON pg_am.oid = relam WHERE {_OURS}
    """,
    "columns": f"""
        SELECT relname, row_number() OVER (PARTITION BY relname ORDER BY attnum), attname,
            format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attislocal, attinhcount,
            attcollation::regcollation, attstorage, attcompression, attstattarget,
            {_SETTINGS.format("attoptions")}, {_SETTINGS.format("attacl")},
            pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)
        FROM pg_attribute
            JOIN pg_class ON pg_class.oid = attrelid
            LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE {_OURS} AND attnum > 0 AND NOT attisdropped
    """,
    "constraints": """
        SELECT conname, conrelid::regclass, contypid::regtype, contype, pg_get_constraintdef(oid),
            condeferrable, condeferred, convalidated, conislocal, coninhcount,
            contype IN ('c', 'n') AND connoinherit,
            obj_description(oid, 'pg_constraint')
        FROM pg_constraint WHERE connamespace = $1::text::regnamespace
    """,
    "indexes": f"""
        SELECT relname, indrelid::regclass, pg_get_indexdef(indexrelid), indisprimary, indisunique,
            indnullsnotdistinct, indisvalid, indisclustered, indisreplident
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE {_OURS}
    """,
    "sequences": f"""
        SELECT relname, seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle
        FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid WHERE {_OURS}
    """,
    "types": f"""
        SELECT typname, typtype, typowner::regrole, {_SETTINGS.format("typacl")},
            format_type(typbasetype, NULL),
            ARRAY(SELECT enumlabel FROM pg_enum WHERE enumtypid = pg_type.oid ORDER BY enumsortorder)::text[],
            obj_description(oid, 'pg_type')
        FROM pg_type WHERE typnamespace = $1::text::regnamespace
    """,
    "functions": f"""
        SELECT oid::regprocedure, prokind, proowner::regrole, {_SETTINGS.format("proacl")},
            CASE WHEN prokind <> 'a' THEN pg_get_functiondef(oid) END, obj_description(oid, 'pg_proc')
        FROM pg_proc WHERE pronamespace = $1::text::regnamespace
    """,
    "triggers": f"""
        SELECT relname, tgname, pg_get_triggerdef(pg_trigger.oid), tgenabled
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE {_OURS} AND NOT tgisinternal
    """,
    "rules": f"""
        SELECT relname, rulename, pg_get_ruledef(pg_rewrite.oid)
        FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class WHERE {_OURS}
    """,
    "policies": f"""
        SELECT relname, polname, polcmd, polpermissive, pg_get_expr(polqual, polrelid)
        FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid WHERE {_OURS}
    """,
    "statistics": """
        SELECT stxname, pg_get_statisticsobjdef(oid)
        FROM pg_statistic_ext WHERE stxnamespace = $1::text::regnamespace
    """,
}


async def catalog_of(connection: Any, schema: str) -> dict[str, list[str]]:
    """Return what each catalog holds about a schema, sorted, a line for each object."""
    await connection.execute("SET search_path = pg_catalog")
    return {
        name: sorted(str(tuple(row.values())) for row in await connection.fetch(query, schema))
        for name, query in QUERIES.items()
    }
