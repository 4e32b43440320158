"""The rule of this house: an exit 0 never loses anything that the input held.

What an input holds is read whole, restored and written back; what cannot be kept is refused before
anything is touched, or, where it is harmless, named in a note.

| what the input may hold | what becomes of it |
| --- | --- |
| pages, frames, stacks with or without a directory for each slice | all, or those of ``--page`` |
| several pictures one after another | all, one after another (or as the pages of a TIFF) |
| extra samples | ``unspecified`` are channels, alpha is alpha, the tags go back |
| levels and other groups of an OME-Zarr | levels are made anew, groups are copied or named |
| pictures inside a page (SubIFDs), pyramids, slides, volumes, camera raw | refused by name |
| a second picture in a JPEG | a page; a gain map, depth map or copy is ``lost`` |
| bytes behind the picture that are no picture | ``lost`` |
| samples that are not finite | marked as ``missing``, and filled |
| other metadata that cannot go back | a note |

``Picture.notes`` say what is harmless. ``Picture.lost`` says what only the input holds: a note where
the input stays, a refusal where the output would replace it (`check_replacing`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chnorm_cli.images import ome_zarr
from chnorm_cli.images.errors import ImageError
from chnorm_cli.images.formats import HEAD, Format, recognise
from chnorm_cli.images.picture import Picture

PADDING = b"\0 \t\r\n\x1a"  # what tapes, mailers and old transfer programs put behind a file
GAIN_MAP = (b"hdrgm", b"GContainer", b"urn:iso:std:iso:ts:21496")


@dataclass(frozen=True)
class Piece:
    """The bytes of one of several pictures that follow one another, and their format."""

    data: bytes
    row: Format
    lost: tuple[str, ...] = ()


def pieces(data: bytes, row: Format) -> list[Piece]:
    """Cuts bytes that begin with format ``row`` into pictures; the last says what lies behind it."""
    view, at, found = memoryview(data), 0, list[Piece]()
    following: Format | None = row
    while following is not None:
        row, rest = following, view[at:]
        end = at + max(1, row.extent(rest)) if row.extent else len(data)
        piece = Piece(data if end - at == len(data) else bytes(view[at:end]), row)
        at, following = _following(data, end)
        if row.name == "jpeg" and following is row and any(m in piece.data for m in GAIN_MAP):
            piece, following = (
                Piece(piece.data, row, (_behind(len(data) - at, "a gain map"),)),
                None,
            )
        elif following is None and at < len(data):
            what = "a video" if b"ftyp" in data[at : at + 8] else "which are no picture"
            piece = Piece(piece.data, row, (_behind(len(data) - at, what),))
        found.append(piece)
    return found


def _following(data: bytes, end: int) -> tuple[int, Format | None]:
    """Where something lies behind ``end`` that is not padding, and the format that begins there."""
    at = end
    while at < len(data) and data[at] in PADDING:
        at += 1
    for start in (at, at - 3, at - 4):  # an AVIF begins with what may be padding elsewhere
        row = recognise(data[start : start + HEAD]) if start >= end else None
        if row is not None:
            return start, row
    return at, None


def _behind(count: int, what: str) -> str:
    return f"{count} bytes behind the picture, {what}, are left out"


def check_replacing(pictures: Sequence[Picture], name: str, scale: int = 1) -> None:
    """Raises `ImageError` where writing ``pictures``, enlarged or not, over their input would lose what it held."""
    held, remedy = pictures[0].held, "write to another file with -o"
    if len(pictures) < held:
        raise ImageError(
            name,
            f"holds {held} pictures, and all but {len(pictures)} would be lost by --in-place",
            f"give --page all, or {remedy}",
        )
    lost = next((sentence for picture in pictures for sentence in picture.lost), None)
    zarr = pictures[0].metadata.zarr
    if lost is None and zarr is not None and scale != 1:
        others = ome_zarr.others_in(ome_zarr.opened(zarr.path), zarr.path)
        lost = f"{', '.join(others)} fit only the small picture" if others else None
    if lost is not None:
        raise ImageError(name, f"cannot be replaced: {lost}", remedy)
