"""What a fit leaves behind: it says what the fit said, and it travels."""

import pickle

import torch

from chnorm_cli.fitting.learnt import SYMMETRIES, Learnt, restored_orientation, transformed
from chnorm_cli.generators.unet import UNet
from chnorm_cli.recorruption.examples import Query


def query():
    x = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))
    return Query(x, x)


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = UNet(3, 3, widths=(4, 4))
        torch.nn.init.normal_(made.output.weight, std=0.1)
    return made


def test_it_travels():
    learnt = Learnt(network(), 0.2, 128, 2)
    again = pickle.loads(pickle.dumps(learnt))
    assert torch.equal(again.ask(query()), learnt.ask(query()))
    assert not torch.equal(learnt.ask(query()), query().guess)


def test_what_has_learnt_nothing_leaves_the_guess():
    asked = query()
    assert Learnt(network(), 0.2, 128, 2, trusted=False).ask(asked) is asked.guess


def test_symmetries_are_undone():
    x = query().guess
    corners = {tuple(transformed(x, s)[0, 0, :2].tolist()) for s in range(SYMMETRIES)}
    assert len(corners) == SYMMETRIES
    for symmetry in range(SYMMETRIES):
        assert torch.equal(restored_orientation(transformed(x, symmetry), symmetry), x)
