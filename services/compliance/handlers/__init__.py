"""Load, decide, write, announce: events of the ledger, operators' acts, deadlines."""
