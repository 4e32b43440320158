"""Pictures that are read and written window by window: which formats can, and who does it."""

from collections.abc import Mapping
from pathlib import Path

from chnorm_cli.images import ome_zarr_slides, slides
from chnorm_cli.images.folders import is_picture_folder
from chnorm_cli.images.ome_zarr_slides import ZarrSlideWriting
from chnorm_cli.images.slide_writing import SlideWriting, WindowWriting
from chnorm_cli.images.slides import Slide

IN_WINDOWS: Mapping[str, type[WindowWriting]] = {
    writing.form: writing for writing in (SlideWriting, ZarrSlideWriting)
}


def open_slide(path: Path, name: str) -> Slide | None:
    """Opens a TIFF or OME-Zarr that can be read window by window; None for any other picture."""
    if is_picture_folder(path):
        return ome_zarr_slides.open_slide(path, name)
    return slides.open_slide(path, name)
