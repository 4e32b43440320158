"""Examples for `recorrupt`: what is asked, what the answer is, and which pixels count."""

import pytest
import torch

from chnorm_cli.classical.first_guess import first_guess
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.problems.names import Kernel
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.recorruption.examples import (
    LEAST_HOLES,
    MOST_PIXELS,
    Example,
    FreshNoise,
    centered,
    dropped_again,
    holes_like,
    mask_features,
    masked_again,
    noise_features,
    noisy_again,
    recorrupted_noise,
    reduced_again,
    renoised,
    window_around_holes,
)

SIGMA = 0.1


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def picture(channels=3, size=(20, 24), seed=1):
    return torch.rand(channels, *size, generator=seeded(seed))


def blackboard():
    said = []
    return said, said.append


def filled_with_half(y, known):
    return torch.where(known, y, 0.5)


def holes(share=0.3, size=(20, 24)):
    """What is known: a block is missing, and some pixels here and there."""
    known = torch.rand(*size, generator=seeded(2)) > share
    known[4:9, 5:15] = False
    return known


def test_renoised_shrinks_some_copies_of_a_picture_that_is_large_enough():
    guess = picture(size=(110, 120))
    examples = list(renoised(guess, Noise(SIGMA), lambda x: x, 4, seeded(), lambda _: None))
    sizes = [tuple(example.target.shape[-2:]) for example in examples]
    assert sizes == [(82, 90), (110, 120), (66, 72), (110, 120)]
    for example in examples:
        assert (example.guess - example.target).std() == pytest.approx(SIGMA, rel=0.05)


def test_renoised_looks_at_no_more_of_a_large_picture_than_a_network_can_learn_from():
    guess = picture(size=(1600, 2000))
    examples = list(renoised(guess, Noise(SIGMA), lambda x: x, 2, seeded(), lambda _: None))
    for example in examples:
        height, width = example.target.shape[-2:]
        assert height * width == pytest.approx(MOST_PIXELS, rel=0.01)
        assert width / height == pytest.approx(1.25, rel=0.01)


@pytest.mark.parametrize("make", [dropped_again, masked_again])
def test_holes_are_put_into_no_more_of_a_large_picture_either(make):
    y = picture(size=(1600, 2000))
    known = torch.rand(1600, 2000, generator=seeded(4)) > 0.3
    for example in make(y, known, filled_with_half, 3, seeded(), lambda _: None):
        height, width = example.size
        assert height * width <= 1.01 * MOST_PIXELS
        missing = example.weight[0] > 0
        assert 0.05 < missing.float().mean() < 0.4
        assert (example.guess[:, missing] == 0.5).all()
        assert torch.equal(example.features[-1] > 0, example.guess.ne(0.5).all(0))


def test_renoised_asks_for_the_guess_from_the_guess_with_fresh_noise():
    guess = picture()
    asked = []

    def denoise(noisy):
        asked.append(noisy)
        return noisy * 0.5

    said, say = blackboard()
    examples = list(renoised(guess, Noise(SIGMA), denoise, 3, seeded(), say))
    assert len(examples) == len(said) == 3
    for example, noisy in zip(examples, asked, strict=True):
        assert torch.equal(example.target, guess)
        assert torch.equal(example.guess, noisy * 0.5)
        assert torch.equal(example.features, noise_features(noisy, noisy * 0.5, SIGMA))
        assert example.weight is None
        assert (noisy - guess).std() == pytest.approx(SIGMA, rel=0.1)
    assert not torch.equal(asked[0], asked[1])


def test_each_crop_has_fresh_noise_of_the_given_strength():
    x = picture(size=(64, 80))
    source = FreshNoise(x, Noise(SIGMA), seeded())
    assert source.size == (64, 80)
    one, other = source.crop(3, 5, 50), source.crop(3, 5, 50)
    for example in (one, other):
        assert torch.equal(example.target, x[:, 3:53, 5:55])
        assert (example.guess - example.target).std() == pytest.approx(SIGMA, rel=0.05)
        assert torch.equal(example.features, centered(example.guess))
        assert example.weight is None
    between = torch.corrcoef(torch.stack([(e.guess - e.target).flatten() for e in (one, other)]))[
        0, 1
    ]
    assert between.abs() < 0.05


def test_noisy_again_asks_for_the_answer_as_often_as_for_drawings():
    x = picture(size=(120, 130))
    said, say = blackboard()
    sources = noisy_again(x, Noise(SIGMA), 6, seeded(), say)
    own, drawn = sources[:6], sources[6:]
    assert [s.size for s in own] == [(120, 130), (90, 98), (72, 78)] * 2
    assert torch.equal(own[0].target, x)
    assert len(drawn) == 6
    assert all(s.target.shape[0] == 3 for s in drawn)
    assert said


@pytest.mark.parametrize("alpha", [0.3, 0.5, 1.0])
def test_recorrupted_noise_is_independent_of_the_noise_in_its_target(alpha):
    truth = torch.full((3, 150, 150), 0.5)
    y = truth + SIGMA * torch.randn(truth.shape, generator=seeded(3))
    (example,) = recorrupted_noise(y, Noise(SIGMA), 1, seeded(), alpha=alpha)
    asked, answer = example.guess - truth, example.target - truth
    assert asked.std() == pytest.approx(SIGMA * (1 + alpha**2) ** 0.5, rel=0.02)
    assert answer.std() == pytest.approx(SIGMA * (1 + alpha**-2) ** 0.5, rel=0.02)
    correlation = torch.corrcoef(torch.stack([asked.flatten(), answer.flatten()]))[0, 1]
    assert correlation.abs() < 0.02
    assert torch.equal(example.features, centered(example.guess))


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_only_observed_pixels_are_dropped_and_they_are_the_ones_that_count(share):
    y, known = picture() * holes(), holes()
    handed = []

    def fill(values, still):
        handed.append(still)
        return filled_with_half(values, still)

    said, say = blackboard()
    examples = list(dropped_again(y, known, fill, 5, seeded(), say, share=share))
    assert len(examples) == len(said) == 5
    for example, still in zip(examples, handed, strict=True):
        dropped = example.weight[0] > 0
        assert example.weight.shape == (1, 20, 24)
        assert dropped.any()
        assert not (dropped & ~known).any()
        assert torch.equal(known & ~dropped, still)
        # A share of the observed pixels, up to the luck of the draw.
        assert dropped.sum() / known.sum() < share + 0.08
        assert torch.equal(example.target[:, dropped], y[:, dropped])
        assert (example.guess[:, dropped] == 0.5).all()  # the answer is not in the question
        assert torch.equal(example.features, mask_features(example.guess, still))
    assert not torch.equal(handed[0], handed[1])


def test_dropped_holes_have_the_shape_of_the_real_ones():
    known = torch.ones(40, 40, dtype=torch.bool)
    known[10:16, 8:24] = False  # 6 % of the picture: all of the shifted hole is dropped
    (example,) = dropped_again(picture(size=(40, 40)), known, filled_with_half, 1, seeded(), print)
    dropped = example.weight[0] > 0
    overlap = 96 - int(dropped.sum())
    assert 0 <= overlap < 96
    if overlap == 0:  # a shifted or mirrored 6×16 block, perhaps wrapped around the border
        assert sorted({int(n) for n in dropped.sum(0)}) == [0, 6]
        assert sorted({int(n) for n in dropped.sum(1)}) == [0, 16]


def test_a_filled_picture_is_masked_as_the_observation_was():
    known = torch.rand(20, 24, generator=seeded(4)) > 0.7
    x = picture()
    said, say = blackboard()
    examples = list(masked_again(x, known, filled_with_half, 6, seeded(), say, least=12))
    assert len(examples) == len(said) == 6
    # Whole, three quarters, and half a picture would be smaller than the least.
    assert [e.target.shape[-2:] for e in examples] == [(20, 24), (15, 18), (20, 24)] * 2
    for example in examples:
        missing = example.weight[0] > 0
        assert (example.guess[:, missing] == 0.5).all()  # the answer is not in the question
        assert torch.equal(example.guess[:, ~missing], example.target[:, ~missing])
        if example.target.shape == x.shape:
            assert torch.equal(example.target, x)
            assert missing.sum() == (~known).sum()  # as many are missing, at other places
            assert not torch.equal(missing, ~known)


@pytest.mark.parametrize("make", ["renoised", "recorrupted", "dropped"])
def test_the_seed_decides(make):
    y = picture()

    def examples(seed):
        match make:
            case "renoised":
                return list(renoised(y, Noise(SIGMA), lambda x: x, 2, seeded(seed), lambda _: None))
            case "recorrupted":
                return list(recorrupted_noise(y, Noise(SIGMA), 2, seeded(seed)))
            case _:
                return list(
                    dropped_again(y, holes(), filled_with_half, 2, seeded(seed), lambda _: None)
                )

    for first, again, other in zip(examples(0), examples(0), examples(1), strict=True):
        assert torch.equal(first.features, again.features)
        assert not torch.equal(first.features, other.features)


def test_features_are_of_about_unit_size():
    truth, noise = picture(size=(64, 64)), SIGMA * torch.randn(3, 64, 64, generator=seeded())
    features = noise_features(truth + noise, truth, SIGMA)
    assert features.shape == (6, 64, 64)
    assert features[3:].std() == pytest.approx(0.5, rel=0.05)
    assert features[:3].abs().max() <= 2
    known = holes()
    shown = mask_features(picture(), known)
    assert shown.shape == (4, 20, 24)
    assert torch.equal(shown[3] > 0, known)
    assert shown[3].abs().eq(1).all()


def test_crops_and_stacks_keep_the_parts_together():
    places = torch.arange(20.0 * 24).view(1, 20, 24)
    example = Example(places.expand(4, -1, -1), places, places + 0.5, places + 1)
    part = example.crop(3, 5, 8)
    assert part.guess.shape == (1, 8, 8)
    assert float(part.guess[0, 0, 0]) == 3 * 24 + 5
    stacked = Example.stack([part, example.crop(0, 0, 8)], lambda x: x.flip(-1))
    assert stacked.features.shape == (2, 4, 8, 8)
    assert torch.equal(stacked.guess[0], part.guess.flip(-1))
    assert torch.equal(stacked.guess + 0.5, stacked.target)
    assert torch.equal(stacked.guess + 1, stacked.weight)
    assert torch.equal(stacked.features[:, :1], stacked.guess)
    plain = Example(places, places, places)
    assert plain.crop(0, 0, 4).weight is None
    assert Example.stack([plain, plain], lambda x: x).weight is None


@pytest.mark.parametrize("kernel", Kernel)
@pytest.mark.parametrize("scale", [2, 3])
def test_reduced_again_asks_for_the_small_picture_from_a_smaller_one(scale, kernel):
    y = picture(size=(19, 25))
    examples = reduced_again(y, scale, kernel, (1.0, 0.8, 0.6))
    assert len(examples) == 3
    first = examples[0].target
    assert torch.equal(first, y[:, : first.shape[-2], : first.shape[-1]])
    for example in examples:
        height, width = example.target.shape[-2:]
        assert height % scale == width % scale == 0
        assert 19 - height < scale or example is not examples[0]
        operator = Downsample((height // scale, width // scale), scale, kernel)
        # The question knows of the answer only what a reduced picture tells.
        smaller = operator.forward(example.target)
        assert torch.allclose(example.guess, first_guess(operator, smaller))
        assert torch.equal(example.features, centered(example.guess))
        assert example.weight is None


def test_pictures_too_small_to_be_reduced_give_no_examples():
    assert reduced_again(picture(size=(1, 9)), 2, Kernel.BICUBIC, (1.0, 0.5)) is not None
    assert reduced_again(picture(size=(1, 1)), 2, Kernel.BICUBIC, (1.0,)) == []


@pytest.mark.parametrize("share", [0.03, 0.2])
def test_a_few_small_holes_are_put_into_examples_several_times_over(share):
    known = torch.ones(64, 64, dtype=torch.bool)
    known[10:14, 20:24] = False  # 0.4 %
    held = holes_like(known, share, torch.Generator().manual_seed(0))
    least = min(LEAST_HOLES, share / 2)
    assert least - 0.005 <= float(held.float().mean()) <= share
    assert not bool((held & ~known).any())
    x = torch.rand(1, 64, 64)
    examples = masked_again(
        x, known, lambda y, _: y, 1, torch.Generator().manual_seed(0), lambda _: None
    )
    weight = next(examples).weight
    assert LEAST_HOLES <= float(weight.mean()) <= LEAST_HOLES + 0.005


@pytest.mark.parametrize("hole", [(0, 0), (10, 12), (19, 23)])
def test_a_window_around_holes_holds_one_wherever_it_is(hole):
    known = torch.ones(20, 24, dtype=torch.bool)
    known[hole] = False
    here = window_around_holes(known, 120, seeded())
    assert known[here].shape == (10, 12)
    assert not bool(known[here].all())
    assert known[window_around_holes(known, 480, seeded())].shape == known.shape
