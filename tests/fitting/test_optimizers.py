"""Optimisers: orthogonal updates for hidden convolutions, Adam for the rest, one schedule."""

import subprocess
import sys

import pytest
import torch

from chnorm_cli.fitting.optimizers import Adam, Muon, Optimizers, orthogonalized
from chnorm_cli.generators.decoder import Decoder


def matrix(rows, columns, seed=0):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(16, 16), (8, 72), (72, 8), (1, 30), (128, 64)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_singular_values_come_near_one(shape, scale):
    x = orthogonalized(scale * matrix(*shape))
    assert x.shape == shape
    values = torch.linalg.svdvals(x)
    assert values.max() < 1.3
    # A square random matrix has a few tiny singular values, which five iterations cannot lift.
    assert values.quantile(0.25) > 0.5


def test_the_singular_vectors_are_kept():
    g = matrix(8, 40)
    u, _, vh = torch.linalg.svd(g, full_matrices=False)
    inner = u.mT @ orthogonalized(g) @ vh.mT
    assert (inner.diagonal() > 0.5).all()
    assert (inner - inner.diagonal().diag()).abs().max() < 1e-3


def test_no_gradient_direction_is_no_update():
    assert torch.equal(orthogonalized(torch.zeros(3, 5)), torch.zeros(3, 5))


@pytest.mark.parametrize("shape", [(8, 4, 3, 3), (32, 4, 1, 1)])
def test_muon_moves_by_its_rate_whatever_the_size_of_the_gradient(shape):
    moved = []
    for scale in (1e-3, 1e3):
        p = torch.nn.Parameter(torch.zeros(shape))
        p.grad = scale * matrix(shape[0], shape[1] * shape[2] * shape[3]).view(shape)
        Muon([p], 0.02).step()
        moved.append(p.detach().clone())
    assert torch.allclose(*moved, atol=1e-4)
    tall = max(1.0, shape[0] / (shape[1] * shape[2] * shape[3])) ** 0.5
    values = torch.linalg.svdvals(moved[0].flatten(1)) / (0.02 * tall)
    assert ((values > 0.5) & (values < 1.3)).all()
    assert (moved[0] * p.grad).sum() < 0  # downhill


def test_muon_accumulates_momentum_and_skips_what_has_no_gradient():
    p, idle = (
        torch.nn.Parameter(torch.zeros(4, 4, 1, 1)),
        torch.nn.Parameter(torch.ones(4, 4, 1, 1)),
    )
    optimizer = Muon([p, idle], 0.1)
    gradient = matrix(4, 4).view(4, 4, 1, 1)
    for _ in range(3):
        p.grad = gradient.clone()
        optimizer.step()
    momentum = optimizer.state["momentum"][0]
    assert torch.allclose(momentum, (1 + 0.95 + 0.95**2) * gradient, atol=1e-5)
    assert torch.equal(idle, torch.ones_like(idle))


def test_adam_is_that_of_torch():
    """Where there is no gradient, nothing moves and nothing is remembered."""
    ours, theirs = (
        [torch.nn.Parameter(matrix(3, 4)), torch.nn.Parameter(torch.ones(2))] for _ in "12"
    )
    optimizer, reference = Adam(ours, 0.05), torch.optim.Adam(theirs, lr=0.05, foreach=True)
    for step in range(5):
        for parameters in (ours, theirs):
            parameters[0].grad = matrix(3, 4, seed=step) * 10.0 ** (step - 3)
        optimizer.step()
        reference.step()
        assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[1], torch.ones(2))


def test_a_fit_does_without_the_compiler_of_torch():
    """It takes 0.8 s to import, which a small picture does not wait for."""
    code = """if True:
        import sys, torch
        from chnorm_cli.fitting.optimizers import Optimizers
        from chnorm_cli.generators.decoder import Decoder
        network = Decoder(3, (16, 16), widths=(6, 6, 5), kernel=3)
        network(torch.rand(network.input_shape)).mean().backward()
        Optimizers(network, adam_lr=0.01, muon_lr=0.02).step()
        print("torch._dynamo" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def network():
    return Decoder(3, (16, 16), widths=(6, 6, 5), kernel=3)


@pytest.mark.parametrize("muon_lr", [None, 0.02])
def test_every_parameter_has_one_optimizer(muon_lr):
    model = network()
    optimizers = Optimizers(model, adam_lr=0.01, muon_lr=muon_lr)
    handled = [id(p) for member in optimizers.members for p in member.params]
    assert sorted(handled) == sorted(id(p) for p in model.parameters())


def test_muon_has_the_hidden_convolutions_only():
    model = network()
    (muon, adam) = Optimizers(model, adam_lr=0.01, muon_lr=0.02).members
    assert isinstance(muon, Muon)
    hidden = {id(p) for p in muon.params}
    assert hidden == {id(c.weight) for c in model.convolutions}
    assert id(model.output.weight) in {id(p) for p in adam.params}


def test_rates_are_scaled_from_their_base():
    optimizers = Optimizers(network(), adam_lr=0.01, muon_lr=0.02)
    for factor in (0.5, 0.1, 1.0):
        optimizers.scale_rates(factor)
        rates = [member.rate for member in optimizers.members]
        assert rates == pytest.approx([0.02 * factor, 0.01 * factor])


@pytest.mark.parametrize("muon_lr", [None, 0.02])
def test_forgetting_starts_afresh(muon_lr):
    model = network()
    optimizers = Optimizers(model, adam_lr=0.01, muon_lr=muon_lr)
    z = torch.rand(model.input_shape)

    def step():
        optimizers.zero_grad()
        assert all(p.grad is None for p in model.parameters())
        model(z).square().mean().backward()
        optimizers.step()

    step()
    assert all(member.state for member in optimizers.members)
    optimizers.forget()
    assert not any(member.state for member in optimizers.members)
    step()
