"""What a course is doing where it cannot tell by itself, as during a long first guess."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from chnorm_cli.scaling.events import Activity


class Active(Protocol):
    """What says what it is doing."""

    @property
    def activity(self) -> str:
        """In a few words."""
        ...


@contextlib.contextmanager
def watching(course: Active, tell: Callable[[Activity], None], *, pause: float) -> Iterator[None]:
    """Tell the activity of the course every `pause` seconds until the context ends."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(pause):
            with contextlib.suppress(OSError):  # nobody reads any more
                tell(Activity(course.activity))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()  # nothing is told after the end
