"""`python -m chnorm_cli`."""

import sys

from chnorm_cli.cli import main

if __name__ == "__main__":
    sys.exit(main())
