"""Lets a batch of records take effect in the ledger: remember, load, decide, write, announce."""
