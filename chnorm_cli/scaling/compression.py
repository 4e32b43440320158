"""What a picture's file says of its compression, in the terms of the mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING

AUTO, OFF = "auto", "off"

if TYPE_CHECKING:
    from chnorm_cli.images import Picture
    from chnorm_cli.problems.jpeg import Jpeg


def jpeg_of(picture: Picture, asked: str = AUTO) -> Jpeg | None:
    """Give the cells in which the coefficients of a picture lie that is a JPEG or was one; else None.

    `asked` is "auto", "off", or the quality that the picture was compressed with before its file.
    """
    if asked == OFF or picture.extra:
        return None
    stored = picture.jpeg.compression() if picture.jpeg is not None and asked == AUTO else None
    if stored is None:
        return _recognised(picture, asked)
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


def _recognised(picture: Picture, asked: str) -> Jpeg | None:
    """Find the JPEG that a picture in 8 bits was once; inks of a JPEG have none of it left."""
    from chnorm_cli.images import Depth

    if picture.depth is not Depth.EIGHT or (picture.jpeg is not None and asked == AUTO):
        return None
    import torch

    from chnorm_cli.problems.recognising import recognise

    y = torch.from_numpy(picture.pixels).movedim(-1, 0).contiguous()
    return recognise(y, None if asked == AUTO else int(asked))
