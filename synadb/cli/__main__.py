"""`python -m synadb.cli`: the command line."""

import sys

from synadb.cli import main

if __name__ == "__main__":
    sys.exit(main())
