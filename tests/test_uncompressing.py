"""Learning to undo one more compression, from the first answer alone."""

from dataclasses import replace

import torch
from jpeg_files import compressed, opened, photograph
from pictures import psnr

from chnorm_cli.classical.artefacts import compression_errors, polished
from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.recipes import UNCOMPRESS
from chnorm_cli.fitting.settings import Effort, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.restoration import prepare_denoise
from chnorm_cli.restoration.artefacts import Wrong, compressed_again
from chnorm_cli.restoration.uncompressing import Uncompressing

SETTINGS = FitSettings(effort=Effort.NORMAL, steps=3, device="cpu", threads=1)
RECIPE = replace(UNCOMPRESS[Effort.NORMAL], copies=1, symmetries=1)


def silent():
    """A network that corrects nothing."""
    network = torch.nn.Sequential(torch.nn.Conv2d(6, 3, 1))
    torch.nn.init.zeros_(network[0].weight)
    torch.nn.init.zeros_(network[0].bias)
    return network


def fitted(x, quality, budget, **changes):
    y, jpeg = opened(compressed(x, quality))
    wrong = Wrong(jpeg, compression_errors(y, jpeg))
    recipe = replace(RECIPE, **changes)
    fit = Uncompressing(y, wrong, recipe, SETTINGS, silent(), budget, 1.0)
    for _ in fit.fit:
        pass
    return y, wrong, fit


def test_what_learnt_nothing_gives_the_first_answer_polished():
    y, wrong, fit = fitted(photograph(48, 48), 30, Budget(0))
    first = wrong.cleaned(y)
    torch.testing.assert_close(fit.queries[0].guess, first)
    torch.testing.assert_close(fit.fit.estimate(), polished(first, y, wrong.jpeg, wrong.errors))


def test_the_examples_are_the_answer_compressed_again():
    *_, fit = fitted(photograph(48, 64), 30, Budget(0), copies=1)
    (example,) = fit.examples(lambda _: None)
    assert torch.equal(example.target, fit.queries[0].guess)
    assert 30 < psnr(example.guess, example.target) < 60
    assert example.features.shape == (6, 48, 64)


def test_a_compression_elsewhere_is_another_one():
    y, jpeg = opened(compressed(photograph(48, 48), 30))
    wrong = Wrong(jpeg, compression_errors(y, jpeg))
    random = torch.Generator().manual_seed(0)
    x = wrong.cleaned(y)
    same, _ = compressed_again(x, wrong, (0, 0), random)
    other, moved = compressed_again(x, wrong, (4, 4), random)
    torch.testing.assert_close(same, jpeg.decoded((48, 48)), atol=1e-4, rtol=0)
    assert moved.compression.corner == (4, 4)
    assert psnr(other, x) < 45


def test_the_answer_of_normal_lies_in_the_cells_and_says_what_learnt_it():
    x = photograph(48, 64)
    y, jpeg = opened(compressed(x, 30))
    pixels = y.movedim(0, -1).numpy()
    restoration = prepare_denoise(pixels, jpeg=jpeg, settings=SETTINGS)
    steps = [step.index for step in restoration]
    solution = restoration.solution
    assert steps == [1, 2, 3]
    assert solution.outcome is Outcome.STEPS_ASKED
    assert solution.generator != "none"
    assert solution.jpeg["outside_share"] == 0
    assert psnr(torch.from_numpy(solution.pixels).movedim(-1, 0), x) > psnr(y, x) + 0.1


def test_fast_does_without_a_network():
    y, jpeg = opened(compressed(photograph(48, 48), 30))
    asked = replace(SETTINGS, effort=Effort.FAST)
    restoration = prepare_denoise(y.movedim(0, -1).numpy(), jpeg=jpeg, settings=asked)
    assert list(restoration) == []
    assert restoration.solution.outcome is Outcome.CELLS
