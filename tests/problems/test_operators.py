"""Operators: linear, with their adjoint and pseudo-inverse, and equal to what Pillow does."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.problems.names import Kernel
from chnorm_cli.problems.operators import Downsample, Identity, Mask, resampling_matrix

PILLOW = {
    Kernel.BICUBIC: Image.Resampling.BICUBIC,
    Kernel.LANCZOS: Image.Resampling.LANCZOS,
    Kernel.BOX: Image.Resampling.BOX,
}
SCALES = [2, 3, 4, 8]


def values(*shape, seed=0, dtype=torch.float64):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def mask(size, share=0.4, seed=5):
    return Mask((values(*size, seed=seed) > share).double())


OPERATORS = {
    "identity": Identity((6, 9)),
    "mask": mask((6, 9)),
    "mask of one pixel": Mask(torch.ones(1, 1)),
    **{
        f"{kernel} by {scale}": Downsample((3, 5), scale, kernel)
        for kernel in Kernel
        for scale in SCALES
    },
    "one pixel by 4": Downsample((1, 1), 4),
    "a line by 3": Downsample((1, 7), 3),
    "by 1": Downsample((4, 5), 1),
}

every_operator = pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS.keys())


@every_operator
def test_linear(operator):
    x, other = values(2, 3, *operator.input_size), values(2, 3, *operator.input_size, seed=1)
    assert operator.forward(x).shape == (2, 3, *operator.output_size)
    assert torch.allclose(
        operator.forward(2.5 * x - 3 * other),
        2.5 * operator.forward(x) - 3 * operator.forward(other),
        atol=1e-12,
    )


@every_operator
def test_adjoint(operator):
    x, y = values(3, *operator.input_size), values(3, *operator.output_size, seed=1)
    forward = (operator.forward(x) * y).sum()
    assert forward.abs() > 0.01
    assert torch.isclose(forward, (x * operator.adjoint(y)).sum(), rtol=1e-12)


@every_operator
def test_projection_explains_the_observation_and_moves_no_further_than_it_must(operator):
    x, truth = values(3, *operator.input_size), values(3, *operator.input_size, seed=1)
    y = operator.forward(truth)
    projected = operator.project(x, y)
    assert torch.allclose(operator.forward(projected), y, atol=1e-10)
    assert torch.allclose(operator.project(projected, y), projected, atol=1e-10)
    # The way to it is orthogonal to every v with A v = 0.
    unseen = operator.project(values(3, *operator.input_size, seed=2), torch.zeros_like(y))
    assert torch.allclose(operator.forward(unseen), torch.zeros_like(y), atol=1e-10)
    assert ((projected - x) * unseen).sum().abs() < 1e-9


@every_operator
def test_first_guess_explains_the_observation(operator):
    y = operator.forward(values(3, *operator.input_size))
    guess = first_guess(operator, y)
    assert guess.shape == (3, *operator.input_size)
    assert torch.allclose(operator.forward(guess), y, atol=1e-10)


@every_operator
def test_pickling(operator):
    again = pickle.loads(pickle.dumps(operator))
    x = values(3, *operator.input_size)
    assert torch.equal(again.forward(x), operator.forward(x))
    assert (again.input_size, again.output_size) == (operator.input_size, operator.output_size)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kernel", Kernel)
@pytest.mark.parametrize("size", [(5, 7), (1, 3)])
def test_downsampling_is_pillows_on_floats(kernel, scale, size):
    operator = Downsample(size, scale, kernel)
    x = values(*operator.input_size, dtype=torch.float32)
    theirs = Image.fromarray(x.numpy()).resize((size[1], size[0]), PILLOW[kernel])
    assert theirs.mode == "F"
    assert np.allclose(operator.forward(x[None])[0], np.asarray(theirs), atol=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_enlarging_is_pillows_on_floats(scale):
    y = values(5, 7, dtype=torch.float32)
    rows, columns = (resampling_matrix(n, n * scale, Kernel.BICUBIC).float() for n in y.shape)
    theirs = Image.fromarray(y.numpy()).resize((7 * scale, 5 * scale), Image.Resampling.BICUBIC)
    assert np.allclose(rows @ y @ columns.mT, np.asarray(theirs), atol=1e-6)


@pytest.mark.parametrize("kernel", Kernel)
@pytest.mark.parametrize("lengths", [(8, 2), (21, 7), (3, 12), (1, 1), (8, 1)])
def test_rows_sum_to_one_and_prefer_no_side(kernel, lengths):
    matrix = resampling_matrix(*lengths, kernel)
    assert matrix.shape == lengths[::-1]
    assert torch.allclose(matrix.sum(1), torch.ones(lengths[1]).double(), atol=1e-14)
    assert torch.allclose(matrix, matrix.flip(0, 1), atol=1e-14)


def test_single_precision_is_kept_and_is_enough():
    operator = Downsample((4, 6), 4)
    x = values(3, 16, 24, dtype=torch.float32)
    y = operator.forward(values(3, 16, 24, seed=1, dtype=torch.float32))
    projected = operator.project(x, y)
    assert y.dtype == projected.dtype == torch.float32
    assert torch.allclose(operator.forward(projected), y, atol=1e-5)


def test_first_guess_of_downsampling_is_better_than_plain_interpolation():
    operator = Downsample((8, 8), 4)
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    truth = (0.5 + 0.4 * torch.sin(rows / 3) * torch.cos(columns / 4))[None].double()
    y = operator.forward(truth)
    up = resampling_matrix(8, 32, Kernel.BICUBIC)
    plain = up @ y @ up.mT
    ours = first_guess(operator, y)
    assert (ours - truth).square().mean() < 0.9 * (plain - truth).square().mean()


def test_downsampling_refuses_to_enlarge():
    with pytest.raises(ValueError, match="scale"):
        Downsample((4, 4), 0)


def test_mask_keeps_observed_bits():
    operator = mask((12, 10))
    y = operator.forward(values(3, 12, 10, dtype=torch.float32))
    known = operator.known > 0
    for filled in (
        operator.project(values(3, 12, 10, seed=1).float(), y),
        first_guess(operator, y),
    ):
        assert torch.equal(filled[:, known], y[:, known])
        assert filled.dtype == torch.float32


def test_mask_fills_a_smooth_picture_with_itself():
    rows, columns = torch.meshgrid(torch.arange(20.0), torch.arange(16.0), indexing="ij")
    ramp = torch.stack([0.02 * rows + 0.03 * columns, 0.9 - 0.04 * columns]).double()
    known = torch.ones(20, 16)
    known[5:9, 4:12] = 0
    known[14, 3:14] = 0
    operator = Mask(known)
    assert torch.allclose(first_guess(operator, operator.forward(ramp)), ramp, atol=1e-3)


def test_mask_fills_within_the_range_that_was_observed():
    operator = mask((16, 16), share=0.8)
    y = operator.forward((values(1, 16, 16) > 0.5).double() * 0.5 + 0.25)
    guess = first_guess(operator, y)
    assert guess.min() >= 0.25
    assert guess.max() <= 0.75


def test_mask_with_nothing_or_everything_missing():
    y = values(3, 4, 5)
    assert torch.equal(first_guess(Mask(torch.ones(4, 5)), y), y)
    assert torch.equal(first_guess(Mask(torch.zeros(4, 5)), y), torch.full_like(y, 0.5))


def test_mask_is_flat():
    with pytest.raises(ValueError, match=r"\(H, W\)"):
        Mask(torch.ones(3, 4, 5))


@pytest.mark.gpu
@every_operator
def test_gpu_and_cpu_agree(operator):
    x, y = (values(3, *size) for size in (operator.input_size, operator.output_size))
    there = pickle.loads(pickle.dumps(operator)).to("cuda")
    pairs = [
        (operator.forward(x), there.forward(x.cuda())),
        (operator.adjoint(y), there.adjoint(y.cuda())),
        (operator.project(x, y), there.project(x.cuda(), y.cuda())),
        (first_guess(operator, y), first_guess(there, y.cuda())),
    ]
    for ours, theirs in pairs:
        assert theirs.device.type == "cuda"
        assert torch.allclose(ours, theirs.cpu(), atol=1e-10)
