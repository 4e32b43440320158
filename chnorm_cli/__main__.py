"""`python -m chnorm_cli`, and the entry point of the `chnorm` script."""

import signal
import sys


def main() -> int:
    """Run the program and return its exit code."""
    # While modules are being loaded, Ctrl-C ends us as it ends any program: without a traceback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from chnorm_cli.waiting import wait_asleep

    wait_asleep()
    from chnorm_cli.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
