"""Small OME-Zarr folders, made in code by zarr, as microscopes' programs lay them out."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
SIZE = (13, 18)


def samples(*before: int, dtype: str = "uint16", size: tuple[int, int] = SIZE) -> NDArray[Any]:
    """Smooth planes with noise, of any shape before (H, W); floats beyond [0, 1]."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: size[0], : size[1]]
    whole = 100 + 30 * np.sin(x / 5) * np.cos(y / 4) + rng.normal(0, 8, (*before, *size))
    return whole.astype(dtype)


def ome_zarr(
    path: Path,
    array: NDArray[Any],
    axes: str,
    *,
    format: int = 2,
    levels: int = 1,
    labels: bool = False,
    separator: str = "/",
    **options: Any,
) -> Path:
    """An OME-Zarr 0.4 (format 2) or 0.5 (3): pixels of 0.2 µm, levels that skip every other pixel."""
    import zarr

    scale = {"t": 3.0, "c": 1.0, "z": 0.5, "y": 0.2, "x": 0.2}
    arrays = [array[..., :: 2**k, :: 2**k] for k in range(levels)]
    datasets = []
    for k in range(levels):
        lengths = [scale.get(a, 1.0) * (2**k if a in "yx" else 1) for a in axes]
        step = {"type": "scale", "scale": lengths}
        datasets.append({"path": f"s{k}", "coordinateTransformations": [step]})
    named = [
        {"name": a}
        | ({"type": TYPES[a]} if a in TYPES else {})
        | ({"unit": "micrometer"} if a in "zyx" else {})
        for a in axes
    ]
    multiscale = {"name": "cells", "axes": named, "datasets": datasets, "type": "nearest"}
    window = {"min": 0, "max": 255, "start": 10, "end": 200}
    channels = [{"label": f"dye {k}", "color": "00FF00", "window": window} for k in range(2)]
    ome = {"multiscales": [multiscale], "omero": {"channels": channels, "rdefs": {"defaultZ": 1}}}
    if format == 2:
        multiscale["version"] = "0.4"
        attributes = ome | {"mine": [1, 2]}
    else:
        attributes = {"ome": ome | {"version": "0.5"}, "mine": [1, 2]}
    options = {"chunks": (*(1 for _ in array.shape[:-2]), 8, 8)} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.open_group(str(path), mode="w", zarr_format=format, attributes=attributes)
        for k, level in enumerate(arrays):
            extra: dict[str, Any] = {"dimension_names": list(axes)}
            if format == 2:
                extra = {"chunk_key_encoding": {"name": "v2", "separator": separator}}
            made = zarr.create_array(
                str(path), name=f"s{k}", shape=level.shape, dtype=level.dtype,
                zarr_format=format, attributes={"level": k}, **extra, **options,
            )  # fmt: skip
            made[...] = level
        if labels:
            told = {"labels": ["nuclei"]}
            zarr.open_group(f"{path}/labels", mode="w", zarr_format=format, attributes=told)
            nuclei = zarr.create_array(
                str(path), name="labels/nuclei/0", shape=array.shape, dtype="u4", zarr_format=format
            )
            nuclei[...] = 7
    return path


def told(path: Path) -> dict[str, Any]:
    """The attributes of the group, those of OME apart from their nesting."""
    if (path / ".zattrs").exists():
        attributes: dict[str, Any] = json.loads((path / ".zattrs").read_text())
        return attributes
    attributes = json.loads((path / "zarr.json").read_text())["attributes"]
    return attributes["ome"] | {key: attributes[key] for key in attributes if key != "ome"}


def pixels(path: Path, level: int = 0) -> NDArray[Any]:
    """The array of a level."""
    import zarr

    whole: NDArray[Any] = zarr.open_group(str(path), mode="r")[
        told(path)["multiscales"][0]["datasets"][level]["path"]
    ][...]
    return whole


def files(path: Path) -> dict[str, bytes]:
    """All files below a folder."""
    found = (item for item in path.rglob("*") if item.is_file())
    return {item.relative_to(path).as_posix(): item.read_bytes() for item in found}
