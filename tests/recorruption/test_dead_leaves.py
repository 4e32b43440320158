"""Dead leaves: drawn from a seed, in given colours, with flat places, sharp edges and textures."""

import pytest
import torch

from chnorm_cli.recorruption.dead_leaves import CONTRAST, SHADE, dead_leaves

PALETTE = torch.tensor([[0.1, 0.9, 0.5], [0.2, 0.8, 0.5], [0.9, 0.1, 0.5]])


def drawn(palette=PALETTE, size=48, count=6, seed=0):
    return dead_leaves(palette, size, count, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_have_the_size_and_the_channels_of_the_palette(channels):
    pictures = drawn(torch.rand(channels, 10), size=31, count=3)
    assert [tuple(p.shape) for p in pictures] == [(channels, 31, 31)] * 3
    assert all(torch.isfinite(p).all() for p in pictures)


def test_the_seed_decides_every_bit_and_pictures_differ():
    first, again, other = drawn(), drawn(), drawn(seed=1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    assert not torch.equal(first[0], first[1])


def test_colours_come_from_the_palette_and_light_changes_all_channels_alike():
    single = torch.tensor([[0.3], [0.5], [0.7]])
    for picture in drawn(single):
        light = picture - single[..., None]
        assert torch.allclose(light, light.mean(0, keepdim=True), atol=1e-5)
        assert (
            light.abs().max() < 6 * CONTRAST + 2 * SHADE
        )  # hard to exceed, textures are of unit size
    plain = torch.full((1, 1), 0.5)
    assert any((picture != 0.5).any() for picture in drawn(plain))


def test_there_are_flat_places_and_edges():
    black_and_white = torch.tensor([[0.0, 1.0]])
    flat = steep = 0.0
    for picture in drawn(black_and_white, size=64, count=10):
        step = (picture[:, :, 1:] - picture[:, :, :-1]).abs()
        flat += float((step < 1e-6).float().mean()) / 10
        steep += float((step > 0.4).float().mean()) / 10
    assert flat > 0.3
    assert 0.005 < steep < 0.3
