"""`python -m chnorm_cli`, and the entry point of the `chnorm` script."""

import os
import signal
import sys

# Of torch's threads for each other (300,000 by default). Where other programs take the cores, the one
# waited for sleeps while the others count: a run beside two of them took 19 s, and not 383 s.
SPINS = "1000"


def main() -> int:
    """Run the program and return its exit code."""
    # While modules are being loaded, Ctrl-C ends us as it ends any program: without a traceback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # read once, when torch is loaded
    from chnorm_cli.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
