"""Runs the `backoffice` command as `python -m backoffice`."""

import sys

from backoffice.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
