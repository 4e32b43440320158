"""No task has lost quality: PSNR on small crops, within 0.05 dB of a committed table.

Whoever changes quality on purpose writes the table anew: `python -m benchmarks.quality --write`.
"""

import pytest

from benchmarks.quality import TASKS, TOLERANCE, crops, measured, table


@pytest.fixture(autouse=True)
def _one_thread(threads_put_back):
    import torch

    torch.set_num_threads(1)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "picture"), [(t, c) for t in TASKS for c in crops(t)])
def test_quality_is_what_it_was(task, picture):
    now, before = measured(task, picture), table()[task][picture]
    advice = "better or not, python -m benchmarks.quality --write keeps it"
    assert now == pytest.approx(before, abs=TOLERANCE), f"{now - before:+.3f} dB; {advice}"


def test_the_table_has_every_task_and_picture():
    assert {task: {*row} for task, row in table().items()} == {t: {*crops(t)} for t in TASKS}
