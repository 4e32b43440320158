"""The law is found from the picture: drawing, finding and drawing again closes; what is no noise is left."""

import warnings

import pytest
import torch
from clean_pictures import COMPRESSED, DOTS, DRAWN, PHOTOGRAPHS, TEXTURES, crop, jpeg

from chnorm_cli.noise.finding import data_range, find_law
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.noise.level import Level
from chnorm_cli.noise.names import Doubt, Kind
from chnorm_cli.noise.silence import find_silence

NAMES = ["astronaut", "camera", "chelsea", "coffee"]
WEAK = 2.2 / 255  # Astronaut has noise of σ 2.1 in its sky


def picture(name):
    return crop(name, 20)


def level(x, read=0.0, gain=0.0, speckle=0.0, black=0.0):
    return Level(*(torch.full((len(x),), v) for v in (read, gain, speckle, black)))


def noisy(x, law, seed=1):
    return law.added_to(x, torch.Generator().manual_seed(seed))


def developed(x, seed=1):
    """A picture whose light was noisy before an sRGB curve, as a camera develops it."""
    light = torch.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    chance = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
    light = light + (0.001 * light + 0.02**2).sqrt() * chance
    bright = 1.055 * light.clamp_min(1e-6) ** (1 / 2.4) - 0.055
    return torch.where(light <= 0.0031308, 12.92 * light, bright)


def in_8_bits(y):
    return (y.clamp(0, 1) * 255).round() / 255


@pytest.mark.parametrize("name", ["chelsea", "coffee"])
def test_noise_that_went_through_a_tone_curve_falls_with_brightness(name):
    y = in_8_bits(developed(picture(name)))
    law = find_law(y)
    assert law.kind is Kind.FREE
    dark, light = law.levels()
    assert dark > 1.5 * light
    assert 0.015 < light < 0.03
    assert "falls with brightness" in law.sentence()
    curve = law.as_dict()["curve"]
    assert len(curve) == len(y)
    assert law.noise.added_to(law.whitened(y), torch.Generator()).isfinite().all()


@pytest.mark.parametrize("peak", [5.0, 30.0, 100.0])
@pytest.mark.parametrize("name", NAMES)
def test_photons_are_found_and_drawn_and_found_again(name, peak):
    x = picture(name)
    found = find_law(noisy(x, level(x, gain=1 / peak)))
    assert found.doubt is None
    assert found.kind in (Kind.POISSON, Kind.POISSON_GAUSSIAN)
    assert found.level.gain.tolist() == pytest.approx([1 / peak] * len(x), rel=0.1)
    again = find_law(noisy(x, found.level, seed=2))
    assert again.level.gain.tolist() == pytest.approx(found.level.gain.tolist(), rel=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_photons_and_the_noise_of_reading_them(name):
    x = picture(name)
    found = find_law(noisy(x, level(x, 12 / 255, 1 / 30)))
    assert found.kind is Kind.POISSON_GAUSSIAN
    assert found.level.gain.tolist() == pytest.approx([1 / 30] * len(x), rel=0.1)
    assert found.level.read.square().tolist() == pytest.approx([(12 / 255) ** 2] * len(x), rel=0.2)


@pytest.mark.parametrize("sigma", [5, 15, 50])
@pytest.mark.parametrize("name", NAMES)
def test_white_noise_is_found_for_what_it_is(name, sigma):
    x = picture(name)
    found = find_law(in_8_bits(noisy(x, Level.constant(sigma / 255, len(x)))))
    assert found.kind is Kind.GAUSSIAN
    assert found.doubt is None
    # These crops hold 2.2 of their own at most, and 8 bits cut strong noise off (0.91 at the least).
    assert 0.9 * sigma < 255 * found.sigma < 1.03 * (sigma**2 + 2.2**2) ** 0.5


@pytest.mark.parametrize("name", NAMES)
def test_speckle(name):
    x = picture(name)
    found = find_law(noisy(x, level(x, speckle=0.2)))
    assert found.kind is Kind.SPECKLE
    assert found.level.speckle.tolist() == pytest.approx([0.2] * len(x), rel=0.1)


def test_levels_follow_the_brightness_also_where_neighbours_share_the_noise():
    x = picture("coffee")
    positions = torch.arange(-3.0, 4.0)
    kernel = torch.exp(-(positions[:, None] ** 2 + positions**2) / (2 * 0.7**2))
    unit = Noise(1.0, torch.eye(3)[..., None, None] * kernel / kernel.norm())
    shared = unit.added_to(torch.zeros_like(x), torch.Generator().manual_seed(1))
    y = x + level(x, 5 / 255, 1 / 60).variance(x).sqrt() * shared
    law = find_law(y)
    assert law.noise.kernel is not None
    dark, light = law.levels()
    assert light > 1.5 * dark
    # What neighbours share is estimated as strong as the first guess must be told (correlation.py).
    assert 0.9 < law.sigma / float((y - x).std()) < 1.5


def test_grain_that_all_colours_share_is_found_as_such():
    x = picture("camera")
    grain = torch.randn(1, 256, 256, generator=torch.Generator().manual_seed(1)) * 15 / 255
    ink = torch.tensor([1.0, 0.85, 0.65])[:, None, None]
    law = find_law(in_8_bits(ink * (0.1 + 0.8 * x + grain)))
    assert law.mixing is not None
    assert len(law.mixing) < 3
    assert "shared by the colours" in law.sentence()


# Dots and lines of an even size are noise to every measure; these are named here.
ENOUGH = {name: make for name, make in COMPRESSED.items() if "blocks" not in name}
CLEAN = DRAWN | DOTS | ENOUGH


@pytest.mark.parametrize(
    "name", [name for name in CLEAN if "24 colours" not in name or "JPEG" not in name]
)
def test_what_is_drawn_or_printed_is_left_alone(name):
    law = find_law(CLEAN[name]())
    assert law.doubt is not None or law.sigma < WEAK


@pytest.mark.parametrize(
    "name", ["astronaut", "camera", "coffee", "rocket", "photograph, text on it"]
)
def test_clean_photographs_have_weak_noise_at_most(name):
    law = find_law(PHOTOGRAPHS[name]())
    assert law.doubt is not None or law.sigma < WEAK


@pytest.mark.parametrize("sigma", [0, 5])
@pytest.mark.parametrize("name", list(TEXTURES))
def test_texture_is_not_taken_for_noise(name, sigma):
    x = TEXTURES[name]()
    law = find_law(in_8_bits(noisy(x, Level.constant(sigma / 255, 1))))
    assert law.doubt in (Doubt.TEXTURE, Doubt.CLEAN) or 255 * law.sigma < 1.5 * sigma


@pytest.mark.parametrize("kind", [Kind.POISSON, Kind.SPECKLE, Kind.POISSON_GAUSSIAN, Kind.GAUSSIAN])
def test_a_kind_that_is_asked_for_is_believed_even_on_texture(kind):
    law = find_law(TEXTURES["grass"](), kind=kind)
    assert law.doubt is None
    assert law.sigma > 0
    x = picture("camera")
    law = find_law(noisy(x, level(x, gain=1 / 30)), kind=kind)
    assert law.kind in (kind, Kind.POISSON)  # without read noise it is plain Poisson


def test_what_is_given_is_believed():
    x = picture("camera")
    assert find_law(x, sigma=0.1).sigma == pytest.approx(0.1)
    asked = level(x, 0.02, 0.01)
    assert find_law(x, level=asked).level == asked
    assert find_law(x, sigma=0.0).noise.sigma == 0


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 40), (2, 300), (300, 2), (3, 3), (16, 17), (32, 32), (40, 33)]
)
def test_small_pictures_of_any_channels_neither_raise_nor_warn(size, channels):
    generator = torch.Generator().manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for y in (
            torch.full((channels, *size), 0.4),
            torch.rand(channels, *size, generator=generator),
        ):
            law = find_law(y)
            back = law.restored(law.whitened(y), y)
            assert bool(back.isfinite().all())
            assert 0 <= law.sigma < 1
            assert law.sentence()
            assert law.as_dict()["kind"] == "gaussian"


@pytest.mark.parametrize("size", [(2, 400), (400, 2), (3, 300)])
def test_noise_in_two_rows_is_found(size):
    y = noisy(torch.full((3, *size), 0.5), Level.constant(15 / 255, 3))
    law = find_law(y)
    assert law.doubt is None
    assert 255 * law.sigma == pytest.approx(15, rel=0.2)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_any_number_of_channels(channels):
    x = picture("astronaut")[[0, 1, 2, 0]][:channels]
    law = find_law(noisy(x, Level.constant(15 / 255, channels), seed=channels))
    assert 255 * law.sigma == pytest.approx(15, rel=0.07)
    assert law.mixing is None


@pytest.mark.parametrize(
    ("factor", "offset"), [(700 / 65535, 118 / 65535), (1.0, 0.0), (500.0, 20.0), (1e-6, 0.0)]
)
def test_a_law_is_judged_in_the_range_of_the_data(factor, offset):
    x = picture("camera")
    y = factor * noisy(x, level(x, 5 / 255, 1 / 60)) + offset
    law = find_law(y)
    assert law.doubt is None
    assert law.level.gain[0] == pytest.approx(factor / 60, rel=0.12, abs=0)
    z = law.whitened(y)
    assert bool(z.isfinite().all())
    assert float(z.quantile(0.99)) < 1.5


def test_counts_in_16_bits():
    x = picture("camera")
    counts = torch.poisson(60 * x, generator=torch.Generator().manual_seed(1))
    law = find_law(counts / 65535)
    assert law.level.gain[0] * 65535 == pytest.approx(1.0, rel=0.1)
    assert law.doubt is None


@pytest.mark.parametrize("value", [4095.0, -4095.0])
def test_one_hot_pixel_among_floats_changes_nothing(value):
    x = picture("camera")
    y = torch.poisson(20 * x + 2, generator=torch.Generator().manual_seed(1))
    plain = find_law(y)
    y[0, 100, 100] = value
    law = find_law(y)
    assert law.level.gain[0] == pytest.approx(float(plain.level.gain[0]), rel=0.03)
    assert law.low == pytest.approx(plain.low, abs=0.5)
    assert law.high == pytest.approx(plain.high, abs=0.5)


def test_the_range_is_that_of_the_data_without_flat_areas():
    y = 100.0 + 50.0 * picture("camera")
    y[:, :60] = 0.0
    low, high = data_range(y, find_silence(y))
    assert 99.0 < low < high < 151.0


@pytest.mark.parametrize("quality", [90, 95])
def test_jpegs_of_clean_photographs_have_weak_noise_at_most(quality):
    for name in ("astronaut", "camera", "coffee"):
        law = find_law(jpeg(picture(name), quality))
        assert law.doubt is not None or law.sigma < WEAK


def test_noise_that_shows_only_where_the_picture_is_smooth_is_found():
    x = 0.6 * crop("grass")
    x[:, :80] = torch.linspace(0.65, 0.95, x.shape[2])
    assert find_law(in_8_bits(x)).doubt is Doubt.TEXTURE
    law = find_law(in_8_bits(noisy(x, level(x, 4 / 255))))
    assert law.doubt is None
    assert 255 * law.levels()[1] == pytest.approx(4, rel=0.1)
