"""One picture from its request to its result."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from chnorm_cli.commands.options import Options
from chnorm_cli.commands.streams import write_json, write_stdout
from chnorm_cli.fitting.solution import Step
from chnorm_cli.scaling.choosing import course_for
from chnorm_cli.scaling.course import Course, check_writable
from chnorm_cli.scaling.events import Finished
from chnorm_cli.scaling.failures import ExitCode, explain, usage
from chnorm_cli.scaling.requests import Request
from chnorm_cli.scaling.tiles.tiled_course import TiledCourse
from chnorm_cli.scaling.watch import watching
from chnorm_cli.terminal.console import complain, console
from chnorm_cli.terminal.history import (
    history_table,
    plot_curves,
    plot_formats,
    require_matplotlib,
)
from chnorm_cli.terminal.json_lines import JsonView, write_event
from chnorm_cli.terminal.live import LiveView
from chnorm_cli.terminal.modes import ProgressMode
from chnorm_cli.terminal.plain import PlainView, SilentView
from chnorm_cli.terminal.preview import Preview
from chnorm_cli.terminal.signals import PATIENCE, Stopped, listening
from chnorm_cli.terminal.summary import summarize

LOOK_PAUSE = 1.0  # seconds between two words on what happens without a step

AnyCourse = Course | TiledCourse
View = LiveView | PlainView | JsonView | SilentView


def restore_one(request: Request, options: Options, mode: ProgressMode) -> ExitCode:
    """Restore one picture; the terminal is given back before its bytes go to standard output."""
    check_extras(options)
    steps, keep = list[Step](), options.output.keep_partial
    code, finished = ExitCode.OK, None
    course = course_for(request)
    try:
        with listening(None if keep else PATIENCE):
            finished = _run(course, steps, options, mode)
    except Stopped as stopped:
        finished = course.partial() if keep else None
        if finished is None:
            if isinstance(course, TiledCourse) and course.kept and not options.run.quiet:
                complain(course.kept, "note")
            raise
        code = stopped.code
        words = f"{request.name}: stopped by {stopped.cause}; the best so far is kept"
        finished.report["notes"].append(words)
        if mode is ProgressMode.JSON:
            write_event(finished)
    except Exception as error:
        _fail(error, request)
    _tell(finished, options, mode)
    if finished.data is not None:
        write_stdout(finished.data)
    _write_extras(steps, options, request)  # last: whatever happens here, the picture is out
    if options.main.as_json:
        write_json(finished.report)
    return code


def check_extras(options: Options) -> None:
    """Find out before the fit what would be missing after it."""
    plot, history = options.output.plot, options.output.history
    if plot is not None:
        if Path(plot).suffix.lower() not in plot_formats():
            raise usage(f"--plot {plot}: give a name that ends in .png, .svg or .pdf")
        require_matplotlib()
    for path in (plot, history):
        if path is not None:
            check_writable(Path(path))


def _run(course: AnyCourse, steps: list[Step], options: Options, mode: ProgressMode) -> Finished:
    preview = None
    if options.run.preview and mode is ProgressMode.LIVE:
        width, height = console().size  # six lines below the picture are for the view
        preview = Preview(course, columns=width - 2, rows=max(4, height - 7))
    keep_steps = options.output.plot is not None or options.output.history is not None
    finished: Finished | None = None
    with (
        _view(course, options, mode, preview) as view,
        watching(course, view.show, pause=LOOK_PAUSE),
    ):
        for event in course:
            view.show(event)
            match event:
                case Step():
                    if keep_steps and (not steps or event.index > steps[-1].index):
                        steps.append(event)
                    if preview is not None:
                        preview.look()
                case Finished():
                    finished = event
    assert finished is not None
    return finished


def _view(course: AnyCourse, options: Options, mode: ProgressMode, preview: Preview | None) -> View:
    match mode:
        case ProgressMode.LIVE:
            return LiveView(
                console(),
                layers=options.run.verbose,
                preview=(lambda: preview.drawn) if preview else None,
            )
        case ProgressMode.JSON:
            return JsonView()
        case ProgressMode.NONE:
            return SilentView()
        case _:
            return PlainView()


def _fail(error: Exception, request: Request) -> NoReturn:
    failure = explain(error, name=request.name)
    if failure is None:
        raise error
    raise failure from error


def _write_extras(steps: list[Step], options: Options, request: Request) -> None:
    if options.output.history is not None:
        _write_extra(Path(options.output.history), history_table(steps), options)
    if options.output.plot is not None:
        path = Path(options.output.plot)
        title = f"{request.task.name} {Path(request.name).name}"
        _write_extra(path, plot_curves(steps, path, title=title), options)


def _write_extra(path: Path, data: bytes, options: Options) -> None:
    from chnorm_cli.images import write_atomically

    for note in write_atomically(path, data):
        if not options.run.quiet:
            complain(f"{path}: {note}", "note")


def _tell(finished: Finished, options: Options, mode: ProgressMode) -> None:
    """The end, for people; for programs it has been said as an event."""
    if mode in (ProgressMode.LIVE, ProgressMode.PLAIN):
        summarize(finished.report, verbose=options.run.verbose)
