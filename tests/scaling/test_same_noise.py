"""One law of the noise for many files."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from pictures import bundled

from chnorm_cli.images import Depth, Picture, encode, read_pictures
from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.parts import parts_of
from chnorm_cli.scaling.requests import Denoise, NoiseAsked, Reading, Request
from chnorm_cli.scaling.same_noise import ENOUGH, examples_of, law_in, with_laws
from chnorm_cli.scaling.stack import Stack

SAME = Denoise(NoiseAsked(same=True))


def frame(number, sigma=12, channels=3):
    """A frame of a film: the picture moves, and the noise is fresh."""
    x = bundled("coffee")[:channels, 40 + 3 * number : 136 + 3 * number, 120:248]
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(number))
    return (x + sigma / 255 * noise).movedim(0, -1).contiguous().numpy()


def write(folder, name, pixels, depth=None):
    path = folder / name
    form = "tiff" if path.suffix == ".tif" else "png"
    path.write_bytes(encode([Picture(np.float32(pixels))], format=form, depth=depth).data)
    return Request(SAME, path, None, name)


def own_law(request):
    (picture,) = read_pictures(request.source, name=request.name, page=None, max_pixels=10**6)
    return Stack([picture], request).law(0, parts_of(picture)[0])


@pytest.fixture
def film(tmp_path):
    return [write(tmp_path, f"{number}.png", frame(number)) for number in range(4)]


def test_every_file_has_the_law_that_is_found_in_all(film):
    laws = [own_law(request) for request in with_laws(film, film)]
    assert len({law.noise.sigma for law in laws}) == 1
    assert 255 * laws[0].sigma == pytest.approx(12, rel=0.06)
    assert own_law(film[0]) is None


def test_channels_of_a_stack_do_not_share_the_law_of_one(tmp_path):
    planes = np.uint16(1000 * np.stack([frame(0, channels=1), frame(1, channels=1)])[..., 0])
    for axes in ("CYX", "ZYX"):
        path = tmp_path / f"{axes}.ome.tif"
        tifffile.imwrite(path, planes, ome=True, metadata={"axes": axes}, photometric="minisblack")
        stack = Request(SAME, path, None, path.name, reading=Reading(page="all"))
        if axes == "ZYX":
            assert with_laws([stack], [stack])[0].laws.found_in == 1
            continue
        with pytest.raises(Failure, match=r"CYX.ome.tif: has several channels, each with a law"):
            with_laws([stack], [stack])


def test_a_flat_frame_says_what_is_flat_in_it_and_nothing_of_the_noise(film, tmp_path):
    bar = frame(9)
    bar[:40] = 0.25
    barred = write(tmp_path, "bar.png", bar)
    law = own_law(replace(barred, laws=with_laws(film, film)[0].laws))
    assert 255 * law.sigma == pytest.approx(12, rel=0.06)
    assert float(law.flat[:39].float().mean()) == 1.0
    assert not bool(law.flat[45:].any())


def test_each_file_has_it_in_its_own_numbers(tmp_path):
    """Floats have a range of their own, and the noise is as strong in the numbers of the file."""
    random = np.random.default_rng(0)
    light = [1000 * (1 + n) * frame(n, sigma=0)[..., :1] for n in range(3)]
    noisy = [counts + random.normal(0, 30, counts.shape) for counts in light]
    film = [write(tmp_path, f"{n}.tif", y, Depth.FLOAT) for n, y in enumerate(noisy)]
    levels = []
    for request in with_laws(film, film):
        (picture,) = read_pictures(request.source, name="", page=None, max_pixels=10**6)
        law = Stack([picture], request).law(0, parts_of(picture)[0])
        levels.append(law.sigma * picture.value_range[1])
        y = torch.from_numpy(picture.pixels).movedim(-1, 0)
        z = law.whitened(y)
        assert bool(torch.isfinite(z).all())
        assert torch.allclose(law.undone(z, y), y, atol=0.05)
    assert levels == pytest.approx([levels[0]] * 3, rel=1e-3)


def test_who_says_how_strong_it_is_is_believed_without_a_look(film):
    told = [replace(r, task=Denoise(NoiseAsked(sigma=9, same=True))) for r in film]
    assert all(request.laws is None for request in with_laws(told, told))
    assert with_laws([], film) == ()


def test_files_that_cannot_be_read_are_left_to_their_own_turn(film, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"junk")
    bad = Request(SAME, tmp_path / "bad.png", None, "bad.png")
    assert with_laws(film, [bad, film[1]])[0].laws.found_in == 1
    assert with_laws(film, [bad])[0].laws is None


def test_files_of_several_cameras_are_refused(film, tmp_path):
    gray = write(tmp_path, "gray.png", frame(0)[..., :1])
    with pytest.raises(Failure, match=r"gray\.png: has 1 channels.*--same-noise"):
        with_laws(film, [*film, gray])
    laws = with_laws(film, film)[0].laws
    (picture,) = read_pictures(gray.source, name="", page=None, max_pixels=10**6)
    with pytest.raises(Failure, match="--same-noise"):
        law_in(laws, parts_of(picture)[0], gray)


def test_files_of_several_sizes_are_looked_at_together(film, tmp_path):
    upright = write(tmp_path, "upright.png", frame(5)[:, :64])
    (request, *_) = with_laws([upright], [*film, upright])
    assert request.laws.found_in == 5
    assert 255 * own_law(request).sigma == pytest.approx(12, rel=0.1)


def test_few_files_spread_over_all_are_looked_at(film):
    many = [film[0]] * 3 * ENOUGH
    assert len(examples_of(many)) == ENOUGH
    assert examples_of(film) == film


def test_laws_travel_to_another_process(film):
    (request, *_) = with_laws(film, film)
    again = pickle.loads(pickle.dumps(request))
    assert own_law(again).noise.sigma == own_law(request).noise.sigma
