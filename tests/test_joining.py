"""Tiles joined window by window: what the whole would be, to the last bit."""

import numpy as np
import pytest

from chnorm_cli.restoration.tiles.joining import Joined
from chnorm_cli.restoration.tiles.tiling import tile_windows


@pytest.mark.parametrize("size", [(300, 700), (256, 256), (40, 900)])
def test_windows_are_those_of_the_whole(size):
    random = np.random.default_rng(0)
    whole = random.random((*size, 3), np.float32)
    windows = tile_windows(size, 256)
    tiles = [whole[window] for window in windows]
    joined = Joined(size, 256, 1, lambda number: tiles[number])
    all_of_it = joined.read(slice(0, size[0]), slice(0, size[1]))
    np.testing.assert_allclose(all_of_it, whole, atol=1e-6)
    for _ in range(10):
        top, bottom = sorted(random.choice(size[0] + 1, 2, replace=False))
        left, right = sorted(random.choice(size[1] + 1, 2, replace=False))
        window = slice(top, bottom), slice(left, right)
        assert np.array_equal(joined.read(*window), all_of_it[window])
