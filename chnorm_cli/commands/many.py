"""Many pictures: one bad one is reported, and the rest goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from chnorm_cli.commands.options import Options
from chnorm_cli.commands.planning import Plan
from chnorm_cli.commands.streams import write_json
from chnorm_cli.scaling.cluster import cluster
from chnorm_cli.scaling.events import Finished
from chnorm_cli.scaling.failures import ExitCode, Failure
from chnorm_cli.scaling.file_jobs import run_files
from chnorm_cli.scaling.kinds import describe_unread
from chnorm_cli.scaling.pool import Pool, Said, share_threads
from chnorm_cli.scaling.report import describe_batch, describe_failure
from chnorm_cli.scaling.requests import Request
from chnorm_cli.terminal.console import say
from chnorm_cli.terminal.json_lines import write_json_line
from chnorm_cli.terminal.modes import ProgressMode
from chnorm_cli.terminal.signals import Stopped
from chnorm_cli.terminal.summary import summarize_many
from chnorm_cli.terminal.table import Table


def restore_many(command: str, plan: Plan, options: Options, mode: ProgressMode) -> ExitCode:
    """Restore every request of the plan; 4 when some of them fail."""
    start = time.monotonic()
    reports = [
        describe_failure(command, name, failure.message, failure.code)
        for name, failure in plan.failures
    ]
    requests = plan.requests
    if plan.alike:
        from chnorm_cli.scaling.same_noise import examples_of, with_laws

        requests = with_laws(requests, examples_of(plan.alike))
    with Table(command, requests, mode, skipped=plan.skipped) as table:
        for name, failure in plan.failures:
            table.fail(name, failure)
        try:
            for index, said in _run(requests, options):
                table.show(index, said)
                if isinstance(said, Failure):
                    name = requests[index].name
                    reports.append(describe_failure(command, name, said.message, said.code))
                elif isinstance(said, Finished):
                    reports.append(said.report)
        except Stopped:
            table.close()
            if mode in (ProgressMode.LIVE, ProgressMode.PLAIN):
                done = sum(report["status"] == "ok" for report in reports)
                say(f"{done} of {len(requests)} are done; the others can be taken up again")
            raise
    failures = [report for report in reports if report["status"] == "failed"]
    code = ExitCode.SOME_FAILED if failures else ExitCode.OK
    seconds = time.monotonic() - start
    if mode in (ProgressMode.LIVE, ProgressMode.PLAIN) or (failures and not options.run.quiet):
        summarize_many(
            done=len(reports) - len(failures),
            skipped=plan.skipped,
            failures=[report["error"] for report in failures],
            seconds=seconds,
            unread=plan.unread,
        )
    if mode is ProgressMode.JSON and plan.unread:
        write_json_line({"event": "note", "text": describe_unread(plan.unread)})
    if options.main.as_json:
        write_json(
            describe_batch(
                command,
                reports,
                skipped=plan.skipped,
                code=code,
                seconds=seconds,
                unread=plan.unread,
            )
        )
    return code


def _run(requests: Sequence[Request], options: Options) -> Iterator[Said]:
    """Run them in processes, even one at a time: a picture that is too large kills only its own.

    A cluster runs them where it has room.
    """
    if not requests:
        return
    if options.run.dask is not None:
        with cluster(options.run.dask) as executor:
            yield from run_files(requests, executor)
        return
    jobs = min(options.run.jobs or 1, len(requests))
    with Pool(jobs, threads=options.run.threads or share_threads(jobs)) as pool:
        yield from pool.run(requests)
