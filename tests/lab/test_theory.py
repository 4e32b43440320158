"""The identities behind the theorems, in float64."""

import math

import pytest
import torch

from chnorm_cli.generators.channel_norm import ChannelNorm
from chnorm_cli.lab import theory
from chnorm_cli.lab.depth import draw_bounds, random_last_layer
from chnorm_cli.lab.networks import Chain, ChainSpec
from chnorm_cli.lab.races import random_problem, run_race, share_of_bound

EXACT = 1e-300  # torch refuses ε = 0
NEAR = {"rtol": 1e-9, "atol": 1e-12}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def exact_norm(channels):
    """Channel normalization without ε, as the theorems have it."""
    return ChannelNorm(channels, affine=False, eps=EXACT)


@pytest.fixture(params=[15, 16], ids=["odd", "even"])
def n(request):
    return request.param


def test_stacked_normalizations_are_one_division(n):
    chain = Chain(
        ChainSpec(width=1, depth=4, kernel=5, relu=False, output_bias=False), exact_norm, seeded()
    ).double()
    x = theory.centred(normal(1, 1, 1, n))
    z = x
    for convolution in chain.hidden:
        z = convolution(z)
    expected = math.sqrt(n) * z / z.norm() * chain.output.weight
    torch.testing.assert_close(chain(x), expected, **NEAR)


def test_closed_form_gradients_are_those_of_autograd(n):
    x = theory.spectrum(theory.centred(normal(n)))
    y = normal(n, seed=1)
    w = normal(n, seed=2).requires_grad_()
    z = theory.convolve(x, w)
    for loss, closed in (
        (0.5 * (z - y).square().sum(), theory.plain_gradient),
        (0.5 * (z / z.norm() - y).square().sum(), theory.normalized_gradient),
    ):
        (gradient,) = torch.autograd.grad(loss, w, retain_graph=True)
        torch.testing.assert_close(closed(x, w.detach(), y), gradient, **NEAR)


def test_official_gradient_is_the_notebooks_bracket(n):
    x, w, y = theory.centred(normal(n)), normal(n, seed=1), normal(n, seed=2)
    X = torch.stack([x.roll(shift) for shift in range(n)], dim=1)
    z = X @ w
    ones = torch.ones(n, n, dtype=torch.float64)  # what I − scalar means in numpy
    expected = -X.T @ (torch.eye(n, dtype=torch.float64) - ones) @ y / z.norm()
    spectrum = theory.spectrum(x)
    torch.testing.assert_close(theory.official_gradient(spectrum, w, y), expected, **NEAR)
    right = theory.normalized_gradient(spectrum, w, y)
    assert (expected - right).norm() > 0.01 * right.norm()


@pytest.mark.parametrize("normalized", [False, True])
def test_frequencies_descend_as_the_network_does(n, normalized):
    depth = 4
    x, filters, y = random_problem(depth, n, 1, 3, unit=normalized)
    signal = theory.signal(x[0], n)
    target = theory.signal(y[0], n)
    ws = [theory.signal(f, n).requires_grad_() for f in filters[0]]
    weights = theory.parseval(n)
    for _ in range(30):
        z = signal
        for w in ws:
            z = theory.convolve(theory.spectrum(z), w)
        loss = 0.5 * ((z / z.norm() if normalized else z) - target).square().sum()
        gradients = torch.autograd.grad(loss, ws)
        simulated, spectra = theory.frequency_gradients(
            x, filters, y, weights, normalized=normalized
        )
        torch.testing.assert_close(simulated[0], loss.detach(), **NEAR)
        filters = filters - 0.1 * spectra
        ws = [(w - 0.1 * g).detach().requires_grad_() for w, g in zip(ws, gradients, strict=True)]
    for w, f in zip(ws, filters[0], strict=True):
        torch.testing.assert_close(theory.signal(f, n), w.detach(), **NEAR)


def test_normalized_gradients_are_orthogonal_to_their_filters(n):
    x, filters, y = random_problem(5, n, 20, 0, unit=True)
    weights = theory.parseval(n)
    _, gradients = theory.frequency_gradients(x, filters, y, weights, normalized=True)
    inner = ((filters.conj() * gradients).real * weights).sum(-1)
    torch.testing.assert_close(inner, torch.zeros_like(inner), atol=1e-10, rtol=0)


def test_filters_of_a_normalized_network_only_grow():
    """‖w⁺‖² = ‖w‖² + η²‖∇‖² for plain gradient descent, ReLU and many channels included."""
    spec = ChainSpec(width=3, depth=4, kernel=5)
    chain = Chain(spec, exact_norm, seeded()).double()
    z, y = normal(1, 3, 1, 32), normal(1, 1, 1, 32, seed=1)
    for _ in range(5):
        chain.zero_grad()
        (chain(z) - y).square().mean().backward()
        for convolution in chain.hidden:
            w, g = convolution.weight, convolution.weight.grad
            assert abs((w * g).sum()) < 1e-12
            before = w.detach().square().sum()
            with torch.no_grad():
                w -= 0.1 * g
            torch.testing.assert_close(
                w.detach().square().sum(), before + 0.01 * g.square().sum(), **NEAR
            )


@pytest.mark.parametrize("scale", [1e-3, 50.0])
def test_scaling_a_filter_divides_its_gradient_and_nothing_else(scale):
    spec = ChainSpec(width=3, depth=3, kernel=5)
    z, y = normal(1, 3, 1, 32), normal(1, 1, 1, 32, seed=1)

    def measure(factor):
        chain = Chain(spec, exact_norm, seeded()).double()
        with torch.no_grad():
            chain.hidden[1].weight *= factor
        out = chain(z)
        (out - y).square().mean().backward()
        return out.detach(), [layer.weight.grad for layer in chain.hidden]

    (out, grads), (scaled_out, scaled) = measure(1.0), measure(scale)
    torch.testing.assert_close(scaled_out, out, **NEAR)
    torch.testing.assert_close(scaled[1] * scale, grads[1], **NEAR)
    torch.testing.assert_close(scaled[0], grads[0], **NEAR)


def test_backward_of_channel_normalization_is_a_projection():
    """∂L/∂z = (1/σ)(g − mean g − x̂ mean(g ⊙ x̂)), biased variance."""
    z, g = normal(1, 2, 4, 5).requires_grad_(), normal(1, 2, 4, 5, seed=1)
    x = exact_norm(2)(z)
    (gradient,) = torch.autograd.grad((x * g).sum(), z)
    pixels = (-2, -1)
    sigma = z.detach().std(pixels, correction=0, keepdim=True)
    expected = g - g.mean(pixels, keepdim=True) - x * (g * x).mean(pixels, keepdim=True)
    torch.testing.assert_close(gradient, (expected / sigma).detach(), **NEAR)


@pytest.mark.parametrize("depth", [2, 6, 20, 40, 80])
def test_the_bound_is_never_broken(depth):
    bounds = draw_bounds(depth, 100, 1000, seed=depth)
    assert bool((bounds.ratios <= 1).all())
    assert bool((bounds.norms > 0).all())


def test_the_bound_holds_for_every_filter_along_a_descent():
    x, filters, y = random_problem(6, 16, 50, 0, unit=True)
    weights = theory.parseval(16)
    for _ in range(50):
        _, gradients = theory.frequency_gradients(x, filters, y, weights, normalized=True)
        assert 0 < share_of_bound(x, filters, y, weights, gradients) <= 1
        filters = filters - 0.2 * gradients


def test_typical_frequencies_shrink_as_the_mean_logarithm_says():
    x, _, _ = random_last_layer(40, 100, 400, seeded())
    interior = x[:, 1:-1].abs().log().mean()
    assert abs(float(interior) / 40 + 0.5772 / 2) < 0.02


def test_rest_products_survive_a_zero():
    filters = normal(3, 4).to(torch.complex128)
    filters[1, 2] = 0
    rest = theory.rest_products(filters)
    torch.testing.assert_close(rest[1], filters[0] * filters[2])
    assert rest[0, 2] == 0


def test_races_are_counted_and_censored():
    def race(cap):
        run = run_race(3, normalized=False, n=8, seed=0, seeds=6, cap=cap, device="cpu")
        while True:
            try:
                next(run)
            except StopIteration as stop:
                return stop.value

    done, cut = race(5000), race(1)
    assert bool(done.steps.isfinite().all())
    assert bool(cut.steps.isinf().any())
    assert bool((done.steps[cut.steps.isfinite()] <= 1).all())
