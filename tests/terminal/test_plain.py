"""Lines of progress: numbers while steps are taken, and else what happens."""

import pytest

from chnorm_cli.fitting.solution import Step
from chnorm_cli.scaling.events import Activity, Opened, Prepared
from chnorm_cli.terminal.plain import PlainView, describe_progress
from chnorm_cli.terminal.status import Status


def status(*events):
    known = Status()
    for event in events:
        known.update(event)
    return known


def step(stage="observed"):
    return Step(
        index=7, loss=0.25, grad_norm=2.0, layer_grad_norms={}, seconds=1.0, share_done=0.4,
        stage=stage,
    )  # fmt: skip


def test_before_the_first_step_it_says_what_happens():
    assert describe_progress(status(Activity("observed: first guess"))).startswith(
        "observed: first guess, 0:0"
    )


@pytest.mark.parametrize("activity", ["fit", "observed: fit", "starting"])
def test_while_steps_are_taken_it_gives_their_numbers(activity):
    line = describe_progress(status(Activity(activity), step()))
    assert line.startswith("observed 40%, step 7, loss 0.25")


def test_a_refit_is_a_fit():
    line = describe_progress(status(step("refit on all"), Activity("refit on all")))
    assert line.startswith("refit on all 40%, step 7")


def test_after_the_last_step_of_a_stage_it_says_what_happens_instead_of_repeating_it():
    line = describe_progress(status(step(), Activity("observed: average over symmetries")))
    assert line.startswith("observed: average over symmetries, 0:0")


def test_what_the_pages_of_a_stack_have_in_common_is_said_once(capfd):
    view = PlainView()
    for page, noise in enumerate(["σ 5", "σ 5", "σ 9"], start=1):
        view.show(Opened("s.tif", "denoise", (9, 8), "gray", page, 3))
        view.show(Prepared({"device": "cpu", "noise": noise}))
    lines = capfd.readouterr().err.splitlines()
    assert [line.strip() for line in lines] == [
        "denoise s.tif: 9×8 gray, page 1 of 3",
        "device cpu, noise σ 5",
        "denoise s.tif: 9×8 gray, page 2 of 3",
        "denoise s.tif: 9×8 gray, page 3 of 3",
        "device cpu, noise σ 9",
    ]
