"""What the three restoring commands have in common: from options to an exit code."""

from __future__ import annotations

from collections.abc import Sequence

from chnorm_cli.commands.many import restore_many
from chnorm_cli.commands.one import restore_one
from chnorm_cli.commands.options import Options
from chnorm_cli.commands.planning import TaskFor, make_plan
from chnorm_cli.commands.streams import write_json
from chnorm_cli.scaling.failures import ExitCode, Failure
from chnorm_cli.scaling.report import describe_failure
from chnorm_cli.terminal.console import complain
from chnorm_cli.terminal.json_lines import write_json_line
from chnorm_cli.terminal.modes import ProgressMode, choose_mode
from chnorm_cli.terminal.signals import Stopped


def restore(command: str, task_for: TaskFor, inputs: Sequence[str], options: Options) -> ExitCode:
    """Restore what the command line names."""
    mode = choose_mode(options.run.progress, quiet=options.run.quiet)
    try:
        plan = make_plan(task_for, inputs, options)
        if plan.many:
            return restore_many(command, plan, options, mode)
        if not plan.requests:
            if mode is not ProgressMode.NONE:
                complain(
                    f"{inputs[0]}: its result exists already; --overwrite restores it again", "note"
                )
            return ExitCode.OK
        return restore_one(plan.requests[0], options, mode)
    except Stopped as stopped:
        if mode is ProgressMode.JSON:
            event = {"event": "stopped", "cause": stopped.cause, "exit_code": stopped.code}
            write_json_line(event)
            stopped.told = True
        raise
    except Failure as failure:
        _tell(failure, command, inputs, options, mode)
        raise


def _tell(
    failure: Failure, command: str, inputs: Sequence[str], options: Options, mode: ProgressMode
) -> None:
    """Say a failure in the form in which everything else is said."""
    report = describe_failure(command, " ".join(inputs), failure.message, failure.code)
    if options.main.as_json and not failure.told:
        write_json(report)
    if mode is ProgressMode.JSON:
        write_json_line({"event": "failed", "report": report})
        failure.told = True
