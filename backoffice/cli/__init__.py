"""The `backoffice` command: one thin module per group of commands."""
