"""A law leads to a picture whose noise is white and back, and says itself in words and in numbers."""

import json
import math

import pytest
import torch
from clean_pictures import crop

from chnorm_cli.noise.finding import find_law
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.level import Level


def level(x, read=0.0, gain=0.0, speckle=0.0):
    return Level(*(torch.full((len(x),), v) for v in (read, gain, speckle, 0.0)))


def photons(x, seed=1):
    return level(x, 0.02, 1 / 30).added_to(x, torch.Generator().manual_seed(seed))


def sepia(x):
    grain = torch.randn(1, *x.shape[1:], generator=torch.Generator().manual_seed(1)) * 20 / 255
    y = torch.tensor([1.0, 0.85, 0.65])[:, None, None] * (0.1 + 0.8 * x + grain)
    return (y.clamp(0, 1) * 255).round() / 255


def white(x, sigma):
    y = Level.constant(sigma / 255, len(x)).added_to(x, torch.Generator().manual_seed(1))
    return (y.clamp(0, 1) * 255).round() / 255


def test_white_noise_needs_no_way():
    y = white(crop("camera", 20), 15)
    law = find_law(y)
    assert law.whitened(y) is y
    assert law.undone(y, y) is y


def test_a_strength_goes_from_the_input_to_the_answer():
    x = crop("camera", 20)
    y = photons(x)
    law = find_law(y)
    z = law.whitened(x)
    whole = law.restored(z, y)
    assert torch.equal(law.restored(z, y, 0.0), y)
    assert torch.allclose(law.restored(z, y, 0.5), (y + whole) / 2, atol=1e-6)
    assert torch.allclose(whole, law.undone(z, y))


def test_the_mean_of_noisy_pictures_is_undone_to_the_truth():
    x = crop("camera", 20)[:, :64, :64].clamp(0.05, 1)
    law = find_law(photons(crop("camera", 20)))
    z = torch.stack([law.whitened(photons(x, seed)) for seed in range(300)]).mean(0)
    assert float((law.undone(z, x) - x).mean()) == pytest.approx(0.0, abs=1e-3)


def test_what_colours_share_is_taken_apart_and_put_together():
    y = sepia(crop("camera", 20))
    law = find_law(y)
    assert len(law.whitened(y)) == len(law.mixing) < 3
    assert torch.allclose(law.undone(law.whitened(y), y), y, atol=1e-4)


@pytest.mark.parametrize("make", [photons, sepia])
def test_the_noise_of_the_whitened_picture_is_what_the_law_says(make):
    x = crop("camera", 20)
    y = make(x)
    law = find_law(y)
    clean = (
        x if make is photons else torch.tensor([1.0, 0.85, 0.65])[:, None, None] * (0.1 + 0.8 * x)
    )
    noise = law.whitened(y) - law.whitened(clean)
    assert float(noise.std()) == pytest.approx(law.noise.sigma, rel=0.12)


def test_it_is_a_plain_object_for_json():
    law = find_law(photons(crop("astronaut", 20)))
    told = json.loads(json.dumps(law.as_dict()))
    assert told["kind"] == "poisson-gaussian"
    assert told["sigma_dark"] < told["sigma"] < told["sigma_light"]
    assert told["gain"] == pytest.approx([255 / 30] * 3, rel=0.15)
    assert told["doubt"] is None
    assert all(math.isfinite(v) for v in told["read"] + told["speckle"] + told["black"])


def test_small_units_are_not_rounded_away():
    told = Law(Noise(1e-8), Level.constant(1e-8, 1), 0.0, 1e-6).as_dict()
    assert told["sigma"] == pytest.approx(255e-8, rel=1e-4)
    assert told["read"] == pytest.approx([255e-8], rel=1e-4)


def test_the_sentence_says_how_noise_grows():
    sentence = find_law(photons(crop("camera", 20))).sentence()
    assert sentence.startswith("poisson-gaussian, grows with brightness: σ ")
    assert "of 255" in sentence
    assert find_law(white(crop("camera", 20), 25)).sentence().startswith("σ 2")


@pytest.mark.parametrize("noisy", [white(crop("camera", 20), 15), photons(crop("coffee", 20))])
def test_a_law_in_other_numbers_is_that_of_the_same_picture(noisy):
    law, factor, offset = find_law(noisy), 40.0, 7.0
    moved, y = law.scaled(factor, offset), factor * noisy + offset
    assert moved.sigma == pytest.approx(factor * law.sigma, rel=1e-3)
    z, same = law.whitened(noisy), moved.whitened(y)
    unit = moved.noise.sigma / law.noise.sigma  # of z, where it is the picture
    assert torch.allclose((same - same.mean()) / unit, z - z.mean(), atol=2e-3)
    undone = factor * law.undone(z, noisy) + offset
    assert torch.allclose(moved.undone(same, y), undone, atol=2e-3 * factor)
    assert law.scaled(1.0, 0.0) is law
