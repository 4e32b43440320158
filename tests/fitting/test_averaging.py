"""Averages: a constant stays what it is, the beginning is forgotten, weights come back."""

import pytest
import torch
from torch import nn

from chnorm_cli.fitting.averaging import OutputAverage, WeightAverage, decay_at


def test_a_constant_output_stays_constant():
    average = OutputAverage()
    for _ in range(50):
        value = average.update(torch.full((1, 3, 4, 4), 0.7))
    assert torch.allclose(value, torch.tensor(0.7))


def test_the_average_follows_its_formula():
    outputs = torch.rand(30, 1, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    average, expected = OutputAverage(0.9), outputs[0]
    average.update(outputs[0])
    for count, x in enumerate(outputs[1:], start=2):
        d = decay_at(count, 0.9)
        expected = d * expected + (1 - d) * x
        assert torch.allclose(average.update(x), expected, atol=1e-6)


def test_noise_averages_out_and_the_beginning_is_forgotten():
    random = torch.Generator().manual_seed(0)
    average = OutputAverage(0.99)
    average.update(torch.full((1, 1, 32, 32), 100.0))
    for _ in range(600):
        value = average.update(0.5 + 0.1 * torch.randn(1, 1, 32, 32, generator=random))
    assert value.mean() == pytest.approx(0.5, abs=0.02)
    assert value.std() < 0.02


def test_the_average_lets_go_of_the_graph_and_of_the_output():
    x = torch.rand(1, 1, 2, 2, requires_grad=True)
    average = OutputAverage()
    value = average.update(2 * x)
    assert not value.requires_grad
    output = torch.zeros(1, 1, 2, 2)
    average = OutputAverage()
    average.update(output)
    output += 1
    assert torch.equal(average.value, torch.zeros(1, 1, 2, 2))


def test_the_decay_grows_up_to_what_was_asked():
    decays = [decay_at(step, 0.99) for step in range(1, 2000)]
    assert decays == sorted(decays)
    assert decays[0] < 0.2
    assert decays[-1] == 0.99


def descended(network, average, steps=20):
    for step in range(steps):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.1 * step)
        average.update()


def test_weights_are_averaged_inside_the_block_and_restored_after_it():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 1, 1))
    average = WeightAverage(network, 0.9)
    start = [p.detach().clone() for p in network.parameters()]
    descended(network, average)
    present = [p.detach().clone() for p in network.parameters()]
    with average.applied():
        for p, first, last in zip(network.parameters(), start, present, strict=True):
            assert ((p > first) & (p < last)).all()
            assert p.requires_grad
    for p, last in zip(network.parameters(), present, strict=True):
        assert torch.equal(p, last)


def test_weights_are_restored_after_an_exception():
    network = nn.Conv2d(1, 1, 1)
    average = WeightAverage(network)
    descended(network, average)
    present = network.weight.detach().clone()
    with pytest.raises(KeyboardInterrupt), average.applied():
        raise KeyboardInterrupt
    assert torch.equal(network.weight, present)


def test_weights_that_do_not_change_are_their_average():
    network = nn.Conv2d(2, 2, 3)
    average = WeightAverage(network)
    for _ in range(30):
        average.update()
    for p, value in zip(network.parameters(), average.values, strict=True):
        assert torch.allclose(p, value)
