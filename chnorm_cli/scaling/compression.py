"""What a picture's file says of its compression, in the terms of the mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chnorm_cli.images import Picture
    from chnorm_cli.problems.jpeg import Jpeg


def jpeg_of(picture: Picture) -> Jpeg | None:
    """Give the cells in which the coefficients of a JPEG lie; None for other pictures."""
    stored = None if picture.jpeg is None else picture.jpeg.compression()
    if stored is None:
        return None
    import torch

    from chnorm_cli.problems.compression import Colours, Compression, Plane
    from chnorm_cli.problems.jpeg import Jpeg

    planes = tuple(
        Plane(torch.from_numpy(table).float(), pixels)
        for table, pixels in zip(stored.tables, stored.pixels, strict=True)
    )
    colours = Colours.LUMA_AND_CHROMA if stored.mixed else Colours.AS_THEY_ARE
    compression = Compression(planes, colours, turned=stored.orientation)
    return Jpeg.read(compression, [torch.tensor(samples) for samples in stored.samples])
