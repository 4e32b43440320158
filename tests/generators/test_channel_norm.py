"""Channel normalization: what it equals, what it leaves invariant, and what each ablation lacks."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from chnorm_cli.generators.channel_norm import ChannelNorm, normalization
from chnorm_cli.generators.names import Normalization

# Two pixels in float64 only: in float32 torch's own kernels differ there between batch sizes.
CASES = [
    *[
        (size, dtype)
        for size in [(9, 7), (16, 16), (1, 5)]
        for dtype in [torch.float32, torch.float64]
    ],
    ((2, 1), torch.float64),
]


TINY = 1e-30  # stands for ε → 0, which torch refuses


def maps(channels=3, size=(9, 7), batch=1, dtype=torch.float64, seed=0):
    """Feature maps whose channels differ in mean and scale."""
    random = torch.Generator().manual_seed(seed)
    z = torch.randn(batch, channels, *size, generator=random, dtype=dtype)
    scale = torch.linspace(0.5, 3, channels, dtype=dtype).view(-1, 1, 1)
    return z * scale + scale.flip(0)


def outcome(norm, z, weight, bias):
    """The output of a normalization, and its gradients by input, scale and shift."""
    z = z.clone().requires_grad_()
    parameters = [p for p in norm.parameters() if p.ndim == 1]
    with torch.no_grad():
        for parameter, value in zip(parameters, (weight, bias), strict=True):
            parameter.copy_(value)
    x = norm(z)
    # Squares of it all: the gradient of a mere sum would vanish.
    target = torch.linspace(-1, 1, x.numel(), dtype=x.dtype).view_as(x)
    gradients = torch.autograd.grad((x - target).square().mean(), [z, *parameters])
    return [x, *gradients]


def assert_same(ours, theirs, tolerance=1e-6):
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("size", "dtype"), CASES)
def test_equals_batch_norm_in_training_at_batch_one(size, dtype):
    z = maps(size=size, dtype=dtype)
    weight, bias = torch.tensor([0.5, 1.0, 2.0]), torch.tensor([-1.0, 0.0, 3.0])
    theirs = nn.BatchNorm2d(3, dtype=dtype).train()
    assert_same(
        outcome(ChannelNorm(3).to(dtype), z, weight, bias), outcome(theirs, z, weight, bias)
    )


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize(("size", "dtype"), CASES)
def test_equals_instance_norm_at_any_batch(size, batch, dtype):
    z = maps(size=size, batch=batch, dtype=dtype)
    weight, bias = torch.tensor([0.5, 1.0, 2.0]), torch.tensor([-1.0, 0.0, 3.0])
    theirs = nn.InstanceNorm2d(3, affine=True, dtype=dtype)
    assert_same(
        outcome(ChannelNorm(3).to(dtype), z, weight, bias), outcome(theirs, z, weight, bias)
    )


def test_equals_the_formula_with_the_biased_variance():
    z = maps(size=(4, 4))
    mean = z.mean((-2, -1), keepdim=True)
    power = (z - mean).square().mean((-2, -1), keepdim=True)
    assert_same([ChannelNorm(3).double()(z)], [(z - mean) / (power + 1e-5).sqrt()], 1e-12)


def test_pictures_of_a_batch_do_not_mix():
    z = maps(batch=3)
    z[1] = 100 * z[1] + 7
    norm = ChannelNorm(3).double()
    together = norm(z)
    for index in range(3):
        assert_same([together[index : index + 1]], [norm(z[index : index + 1])], 1e-10)


@pytest.mark.parametrize("batch", [1, 2])
def test_one_pixel_becomes_the_shift(batch):
    norm = ChannelNorm(3)
    with torch.no_grad():
        norm.beta.copy_(torch.tensor([0.1, 0.2, 0.3]))
    z = maps(size=(1, 1), batch=batch, dtype=torch.float32).requires_grad_()
    x = norm(z)
    assert torch.allclose(x, norm.beta.view(1, 3, 1, 1).expand_as(x), atol=1e-4)
    x.sum().backward()
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("kind", Normalization)
def test_training_and_evaluation_are_one_function_without_state(kind):
    norm = normalization(kind, 3)
    z = maps(dtype=torch.float32)
    first = norm.train()(z)
    norm(50 * z + 3)  # running statistics would remember this
    assert torch.equal(norm.eval()(z), first)
    assert not list(norm.buffers())


def test_channels_last_changes_no_value_and_stays():
    z = maps(size=(8, 8), dtype=torch.float32)
    x = ChannelNorm(3)(z.contiguous(memory_format=torch.channels_last))
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(x, ChannelNorm(3)(z), atol=1e-6)


def convolved(weight, z, norm, *, activation):
    z = F.conv2d(z, weight, padding=1)
    return norm(activation(z))


@pytest.mark.parametrize("activation", [nn.Identity(), nn.ReLU()], ids=["before", "after ReLU"])
def test_the_scale_of_each_filter_before_it_does_not_matter(activation):
    norm = ChannelNorm(4, eps=TINY).double()
    z, weight = maps(), maps(channels=3, size=(3, 3), batch=4, seed=1)
    scales = torch.tensor([0.01, 0.5, 3.0, 1000.0], dtype=torch.float64).view(-1, 1, 1, 1)
    assert_same(
        [convolved(weight * scales, z, norm, activation=activation)],
        [convolved(weight, z, norm, activation=activation)],
        1e-10,
    )


@pytest.mark.parametrize("activation", [nn.Identity(), nn.ReLU()], ids=["before", "after ReLU"])
@pytest.mark.parametrize(
    ("kind", "orthogonal"),
    [
        (Normalization.CHANNEL, True),
        (Normalization.CHANNEL_PLAIN, True),
        (Normalization.SCALE, True),
        (Normalization.CENTER, False),
        (Normalization.NONE, False),
    ],
)
def test_the_gradient_is_orthogonal_to_every_filter(kind, orthogonal, activation):
    norm = normalization(kind, 4).double()
    if hasattr(norm, "eps"):
        norm.eps = TINY
    weight = maps(channels=3, size=(3, 3), batch=4, seed=1).requires_grad_()
    x = convolved(weight, maps(), norm, activation=activation)
    target = maps(channels=4, seed=2)
    (gradient,) = torch.autograd.grad((x - target).square().mean(), weight)
    along = (gradient * weight).sum((1, 2, 3)).abs()
    across = gradient.flatten(1).norm(dim=1) * weight.flatten(1).norm(dim=1)
    if orthogonal:
        assert (along < 1e-12 * across.clamp_min(1)).all()
        rate = 0.1  # then plain descent can only lengthen the filters: ‖w⁺‖² = ‖w‖² + η²‖∇‖²
        after = (weight - rate * gradient).square().sum()
        assert torch.isclose(
            after, weight.square().sum() + rate**2 * gradient.square().sum(), rtol=1e-12
        )
    else:
        assert (along > 1e-3 * across).any()


def statistics(x):
    return x.mean((-2, -1)), x.var((-2, -1), correction=0)


def test_ablation_without_affine_has_zero_mean_unit_variance_and_nothing_to_learn():
    norm = normalization(Normalization.CHANNEL_PLAIN, 3)
    mean, variance = statistics(norm(maps()))
    assert torch.allclose(mean, torch.zeros_like(mean), atol=1e-10)
    assert torch.allclose(variance, torch.ones_like(variance), atol=1e-4)
    assert not list(norm.parameters())


def test_ablation_centre_only_keeps_the_variance():
    norm = normalization(Normalization.CENTER, 3).double()
    with torch.no_grad():
        norm.beta.fill_(0.25)
    z = maps()
    mean, variance = statistics(norm(z))
    assert torch.allclose(mean, torch.full_like(mean, 0.25))
    assert torch.allclose(variance, statistics(z)[1])
    assert torch.allclose(norm(z + 5), norm(z))


def test_ablation_scale_only_keeps_the_ratio_of_mean_and_deviation():
    norm = normalization(Normalization.SCALE, 3).double()
    z = maps()
    mean, variance = statistics(norm(z))
    before_mean, before_variance = statistics(z)
    assert torch.allclose(variance, torch.ones_like(variance), atol=1e-4)
    assert torch.allclose(mean, before_mean / (before_variance + 1e-5).sqrt())
    assert torch.allclose(norm(7 * z), norm(z), atol=1e-4)


def test_ablation_none_does_nothing():
    z = maps()
    norm = normalization(Normalization.NONE, 3)
    assert torch.equal(norm(z), z)
    assert not list(norm.parameters())


def test_centre_and_scale_together_are_channel_normalization():
    z = maps()
    center, scale = (
        normalization(k, 3).double() for k in (Normalization.CENTER, Normalization.SCALE)
    )
    assert torch.allclose(scale(center(z)), normalization(Normalization.CHANNEL, 3).double()(z))
