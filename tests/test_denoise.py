"""Denoising: what happens to the network's answer."""

import torch
from test_restoration import prepared, solved

from chnorm_cli.fitting.settings import Effort
from chnorm_cli.problems.nonlocal_ridge import nonlocal_ridge


def test_a_last_nonlocal_pass_polishes_the_answer_but_not_for_who_interrupts(monkeypatch):
    pilots, polished = [], []

    def watched(y, level, passes, pilot=None):
        x = nonlocal_ridge(y, level, passes, pilot)
        if pilot is not None:
            pilots.append(pilot)
            polished.append(x)
        return x

    monkeypatch.setattr("chnorm_cli.restoration.denoise.nonlocal_ridge", watched)
    restoration = prepared("denoise", effort=Effort.NORMAL, steps=3)
    steps = iter(restoration)
    next(steps)
    assert restoration.best_so_far() is not None
    assert not pilots
    list(steps)
    mean = (pilots[0] + polished[0]) / 2
    assert torch.equal(torch.from_numpy(restoration.solution.pixels).movedim(-1, 0), mean)
    assert len(pilots) == 1

    solved(prepared("denoise", effort=Effort.FAST, steps=3))
    assert len(pilots) == 1
