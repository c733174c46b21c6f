"""The `backoffice` command and everything that runs the product on one machine."""
