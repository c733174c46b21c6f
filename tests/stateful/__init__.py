"""The real ledger on random scripts of all types, crashed at random, held against the model."""
