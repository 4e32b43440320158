"""Progress as one JSON object per line, for other programs."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Self

from chnorm_cli.fitting.solution import Step
from chnorm_cli.scaling.events import Activity, Event, Finished, Opened, Prepared
from chnorm_cli.scaling.report import finite
from chnorm_cli.terminal.console import console

JSON_SECONDS = 0.1


class JsonView:
    """One JSON object per line: `opened`, `prepared`, `step`, `finished`, and `failed` at last."""

    def __init__(self) -> None:
        self._told = 0.0
        self._unsaid: Step | None = None
        self._activity = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()

    def show(self, event: Event) -> None:
        """Write the event; of the steps at most ten a second, and always the last."""
        if isinstance(event, Step):
            self._unsaid = event
            if time.monotonic() - self._told >= JSON_SECONDS:
                self._told = time.monotonic()
                self._flush()
            return
        if isinstance(event, Activity):  # from another thread: only when it is news
            if event.text != self._activity:
                self._activity = event.text
                write_event(event)
            return
        self._flush()
        write_event(event)

    def _flush(self) -> None:
        if self._unsaid is not None:
            write_event(self._unsaid)
            self._unsaid = None


def write_event(event: Event, **where: Any) -> None:
    """Write one event as a JSON object on a line of stderr."""
    values: dict[str, Any]
    match event:
        case Opened():
            values = {
                "event": "opened",
                "input": event.name,
                "command": event.task,
                "size": event.size,
                "layout": event.layout,
                "page": event.page,
                "pages": event.pages,
                "channel": event.channel,
                "channels": event.channels,
            }
        case Prepared(header):
            values = {"event": "prepared", "header": dict(header)}
        case Activity(text):
            values = {"event": "activity", "text": text}
        case Step():
            values = {
                "event": "step",
                "step": event.index,
                "stage": event.stage,
                "loss": event.loss,
                "gradient_norm": event.grad_norm,
                "layer_gradient_norms": dict(event.layer_grad_norms),
                "seconds": round(event.seconds, 3),
                "share_done": event.share_done,
                "near": event.near,
            }
        case Finished(report):
            values = {"event": "finished", "report": report}
    write_json_line(values | where)


def write_json_line(values: dict[str, Any]) -> None:
    """Write one object on one line of stderr; a reader that has gone is no error of the fit."""
    try:
        sys.stderr.write(json.dumps(finite(values)) + "\n")
        sys.stderr.flush()
    except OSError:
        console().on_broken_pipe()
