"""Dead rows and columns."""

import pytest
import torch
from bad_values import eight_bit, noisy, photograph
from clean_pictures import chart, crop

from chnorm_cli.noise.dead_lines import dead_lines


@pytest.mark.parametrize("value", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("sigma", [0, 10])
def test_dead_rows_and_columns_are_found(value, sigma):
    y = eight_bit(noisy(photograph(), sigma))
    bad = torch.zeros_like(y, dtype=torch.bool)
    bad[:, 40] = True
    bad[1, :, 70:72] = True
    found, rows, columns = dead_lines(torch.where(bad, torch.tensor(value), y))
    assert (rows, columns) == (1, 2)
    assert torch.equal(found, bad)


def test_a_line_at_the_border_and_lines_of_a_drawing_stay():
    y = photograph()
    y[:, 0] = 0.0
    for picture in (y, crop("camera"), chart()):
        found, rows, columns = dead_lines(picture)
        assert (rows, columns) == (0, 0)
        assert not bool(found.any())
