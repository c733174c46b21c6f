"""The repository itself under test: its documents, its guides' code, and its tidiness."""
