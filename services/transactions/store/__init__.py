"""The SQL that reads for decisions and writes them: one typed function per statement.

The connection's search path is the ledger's own schema.
"""

from asyncpg import Connection

__all__ = ["Connection"]
