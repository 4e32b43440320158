"""Descent: what it measures, and how it finds its way back."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from chnorm_cli.fitting.descent import Descent, convolution_weights
from chnorm_cli.fitting.optimizers import Optimizers
from chnorm_cli.fitting.solution import DivergedError
from chnorm_cli.generators.decoder import Decoder


def tiny():
    network = nn.Conv2d(1, 1, 1)
    with torch.no_grad():
        network.weight.fill_(1.0)
        network.bias.fill_(0.5)
    return network


def scaled(network, factor):
    return factor * network.weight.square().sum()


def descent_of(network, rate=0.01, **options):
    return Descent(network, Optimizers(network, adam_lr=rate, muon_lr=None), **options)


def test_only_convolution_weights_are_reported_input_side_first():
    network = Decoder(3, (8, 8), widths=(4, 4, 4), kernel=3)
    names = list(convolution_weights(network))
    assert names == ["convolutions.0", "convolutions.1", "convolutions.2", "output"]


@pytest.mark.parametrize("muon_lr", [None, 0.02])
def test_measures_what_autograd_finds(muon_lr):
    torch.manual_seed(0)
    network = Decoder(3, (16, 16), widths=(6, 6, 5), kernel=3)
    z, y = torch.rand(network.input_shape), torch.rand(1, 3, 16, 16)

    def objective():
        return (network(z) - y).square().mean()

    weights = list(convolution_weights(network).values())
    loss = objective()
    expected = [g.norm().item() for g in torch.autograd.grad(loss, weights)]
    measured = Descent(network, Optimizers(network, adam_lr=1e-3, muon_lr=muon_lr)).step(objective)
    assert measured.loss == pytest.approx(loss.item(), rel=1e-5)
    assert list(measured.layer_grad_norms.values()) == pytest.approx(expected, rel=1e-4)
    assert measured.grad_norm == pytest.approx(math.hypot(*expected), rel=1e-4)
    assert not measured.went_back
    assert objective() < loss


def test_a_blow_up_goes_back_to_weights_whose_loss_was_good():
    network = tiny()
    descent = descent_of(network, rate=1e-3, every=10)
    seen = []
    for _ in range(25):
        seen.append(network.weight.item())
        assert not descent.step(lambda: network.weight.square().sum()).went_back
    with torch.no_grad():
        network.weight.fill_(50.0)  # as if a step had gone wrong
        network.bias.fill_(50.0)
    assert descent.step(lambda: network.weight.square().sum()).went_back
    assert network.weight.item() in seen
    assert network.bias.item() == 0.5
    assert not descent.step(lambda: network.weight.square().sum()).went_back


@pytest.mark.parametrize("bad_step", range(25, 37))
def test_weights_are_never_remembered_before_their_loss_is_known(bad_step):
    network = tiny()
    descent = descent_of(network, rate=1e-3, every=10, patience=1)
    for step in range(1, bad_step + 1):
        if step == bad_step:
            descent.optimizers.scale_rates(1e6)  # this update throws the weights far away
        descent.step(lambda: network.weight.square().sum())
    descent.optimizers.scale_rates(1.0)
    assert network.weight.abs() > 100
    assert descent.step(lambda: network.weight.square().sum()).went_back
    assert network.weight.abs() < 2
    assert not descent.step(lambda: network.weight.square().sum()).went_back


def test_after_a_restart_there_is_no_way_back_to_what_was_before():
    network = tiny()
    descent = descent_of(network, rate=1e-6, every=5)
    for _ in range(30):
        descent.step(lambda: network.weight.square().sum())
    with torch.no_grad():
        network.weight.fill_(50.0)
    descent.restart()
    assert not descent.step(lambda: network.weight.square().sum()).went_back
    assert descent.step(lambda: float("nan") * network.weight.sum()).went_back
    assert network.weight.item() == pytest.approx(50.0, abs=0.1)


def test_a_little_more_loss_is_no_blow_up():
    network = tiny()
    descent = descent_of(network, rate=1e-6, every=5)
    for step in range(30):
        loss = 1.05**step
        assert not descent.step(partial(scaled, network, loss)).went_back


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_go_back_and_finally_diverge(bad):
    network = tiny()
    descent = descent_of(network, patience=3)
    descent.step(lambda: network.weight.square().sum())
    for _ in range(3):
        measured = descent.step(lambda: bad * network.weight.sum())
        assert measured.went_back
        assert network.weight.item() == 1.0
    with pytest.raises(DivergedError, match="finite"):
        descent.step(lambda: bad * network.weight.sum())


def test_a_gradient_that_is_not_finite_counts_too():
    network = tiny()
    descent = descent_of(network)
    measured = descent.step(lambda: (network.weight - network.weight.detach()).sqrt().sum())
    assert measured.loss == 0
    assert measured.went_back
    assert network.weight.item() == 1.0


def test_patience_is_renewed_by_good_steps():
    network = tiny()
    descent = descent_of(network, every=5, patience=2)
    for _ in range(4):
        for _ in range(2):
            assert descent.step(lambda: float("nan") * network.weight.sum()).went_back
        for _ in range(5):
            assert not descent.step(lambda: network.weight.square().sum()).went_back


def test_going_back_forgets_the_momentum():
    network = tiny()
    descent = descent_of(network)
    descent.step(lambda: network.weight.square().sum())
    assert descent.optimizers.members[0].state
    descent.step(lambda: float("nan") * network.weight.sum())
    assert not descent.optimizers.members[0].state
