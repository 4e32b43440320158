"""How threads wait for each other; to be said before torch is loaded, which reads it once."""

import os

# Turns in which they count and do not sleep (300,000 by default). Where other programs take the
# cores, the one waited for sleeps while the others count: a run beside two of them took 19 s, and
# not 383 s; three planes of 96² pixels in Python 12 s, and not 69 s.
SPINS = "1000"


def wait_asleep() -> None:
    """Let threads sleep soon, unless the environment says how they wait."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
