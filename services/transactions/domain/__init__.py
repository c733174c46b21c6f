"""What the ledger decides, without IO: the ladder, the fold and the events."""
