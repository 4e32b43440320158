"""The plain networks of the paper."""

import pytest
import torch

from chnorm_cli.fitting.settings import Normalization
from chnorm_cli.lab.descents import follow
from chnorm_cli.lab.networks import (
    Chain,
    ChainSpec,
    CircularConv,
    Init,
    Shift,
    UnbiasedChannelNorm,
    beta_only,
    draw_gammas,
    draw_weights,
    layer,
)
from chnorm_cli.lab.observations import gray_square, random_input, step_signal


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_circular_convolution_commutes_with_shifts():
    convolution = CircularConv(2, 3, 5, bias=False, groups=1)
    z = torch.randn(1, 2, 1, 12, generator=seeded())
    shifted = convolution(z.roll(4, -1))
    torch.testing.assert_close(shifted, convolution(z).roll(4, -1))


def test_copies_side_by_side_do_not_see_each_other():
    chain = Chain(
        ChainSpec(width=2, depth=3, kernel=3, copies=3), layer(Normalization.CHANNEL), seeded()
    )
    z = torch.randn(1, 6, 1, 16, generator=seeded())
    out = chain(z)
    z[:, 2:4] += 1.0 + torch.arange(16.0)
    changed = (chain(z) != out).flatten(2).any(-1)[0].tolist()
    assert changed == [False, True, False]


@pytest.mark.parametrize("init", list(Init))
def test_weights_follow_their_seed_and_leave_the_global_generator_alone(init):
    spec = ChainSpec(width=3, depth=2, kernel=3)
    chains = [Chain(spec, Shift, seeded(seed), init) for seed in (1, 1, 2)]
    first, again, other = (c.hidden[0].weight for c in chains)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    state = torch.get_rng_state()
    draw_weights(chains[0], init, seeded(), gain=2.0)
    assert torch.equal(torch.get_rng_state(), state)


def test_he_keeps_the_size_of_a_deep_relu_network_and_torch_does_not():
    spec = ChainSpec(width=64, depth=10, kernel=3)
    z = random_input((1, 64, 1, 64), seeded()) - 0.5
    sizes = {}
    for init in (Init.TORCH, Init.HE):
        chain = Chain(spec, layer(Normalization.NONE), seeded(), init)
        x = z
        for convolution in chain.hidden:
            x = torch.relu(convolution(x))
        sizes[init] = float(x.detach().square().mean() / z.square().mean())
    assert 0.1 < sizes[Init.HE] < 10
    assert sizes[Init.TORCH] < 1e-5


def test_norms_of_the_official_code():
    z = torch.randn(1, 2, 1, 9, generator=seeded())
    ours = layer(Normalization.CHANNEL_PLAIN)(2)(z)
    theirs = UnbiasedChannelNorm(2)(z)
    torch.testing.assert_close(theirs, ours * (8 / 9) ** 0.5, rtol=1e-4, atol=1e-5)
    norm = beta_only(2)
    assert [name for name, p in norm.named_parameters() if p.requires_grad] == ["beta"]


def test_old_torch_drew_its_gammas():
    chain = Chain(ChainSpec(width=64, depth=2, kernel=3), layer(Normalization.CHANNEL), seeded())
    draw_gammas(chain, seeded())
    for norm in chain.norms:
        assert 0 <= norm.gamma.min() < 0.2
        assert 0.8 < norm.gamma.max() <= 1
        assert norm.gamma.requires_grad


def test_follow_is_plain_sgd():
    """The product's descent under `Momentum` walks as torch's own loop does."""
    spec = ChainSpec(width=2, depth=2, kernel=3)
    z, y = random_input((1, 2, 1, 16), seeded(9)), step_signal(16)
    ours, theirs = (Chain(spec, layer(Normalization.CHANNEL), seeded()) for _ in range(2))
    *_, trace = follow(ours, z, y, rate=0.1, momentum=0.9, steps=6)
    sgd = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    for _ in range(6):
        sgd.zero_grad()
        (theirs(z) - y).square().mean().backward()
        sgd.step()
    for mine, his in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, his)
    assert list(trace.layers) == ["hidden.0", "hidden.1", "output"]
    assert [len(norms) for norms in trace.filters.values()] == [6, 6, 6]


def test_a_diverging_descent_is_marked():
    chain = Chain(
        ChainSpec(width=1, depth=8, kernel=9, relu=False), layer(Normalization.NONE), seeded()
    )
    z, y = random_input((1, 1, 1, 32), seeded()), step_signal(32)
    *_, trace = follow(chain, z, y, rate=1e6, momentum=0.9, steps=200)
    assert trace.diverged
    assert trace.final_loss == float("inf")


def test_pictures_become_gray_squares():
    small, whole = gray_square(None, 32), gray_square(None, 256)
    assert small.shape == (1, 1, 32, 32)
    torch.testing.assert_close(small.mean(), whole.mean(), rtol=1e-4, atol=1e-4)
    assert 0 <= whole.min() < whole.max() <= 1
