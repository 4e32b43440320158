"""From a picture and a request to a fit that is ready to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chnorm_cli.scaling.compression import jpeg_of
from chnorm_cli.scaling.own_numbers import noise_arguments
from chnorm_cli.scaling.requests import Denoise, Inpaint, Request, Superres

if TYPE_CHECKING:
    from chnorm_cli.images import Mask, Picture
    from chnorm_cli.images.samples import FloatArray
    from chnorm_cli.noise.law import Law
    from chnorm_cli.restoration import Joint, Restoration


def prepare_restoration(
    picture: Picture, request: Request, law: Law | None = None, joint: Joint | None = None
) -> tuple[Restoration, tuple[str, ...]]:
    """Set up the fit that is asked for, and say what a person should know about its mask.

    `law` is that of the noise, where it was found from other planes as well; `joint` are the planes
    that are denoised together with this one.
    """
    from chnorm_cli.restoration import prepare_denoise, prepare_inpaint, prepare_superres

    task, settings = request.task, request.settings
    mapped = request.uncertainty is not None
    pixels, mask = observed(picture, request)
    said = noise_arguments(picture, task.noise) | ({} if law is None else {"law": law})
    match task:
        case Denoise():
            jpeg = jpeg_of(picture, request.reading.jpeg) if joint is None else None
            if joint is not None:
                pixels, said = joint.pixels, said | {"law": joint.law}
            restoration = prepare_denoise(
                pixels, **said, jpeg=jpeg, settings=settings, uncertainty=mapped
            )
        case Inpaint(clean=clean):
            assert mask is not None
            restoration = prepare_inpaint(
                pixels,
                mask.missing,
                **said,
                clean=clean,
                jpeg=jpeg_of(picture, request.reading.jpeg),
                settings=settings,
                uncertainty=mapped,
            )
        case Superres(scale, kernel):
            restoration = prepare_superres(
                pixels,
                scale,
                kernel=kernel,
                **said,
                jpeg=jpeg_of(picture, request.reading.jpeg),
                settings=settings,
                uncertainty=mapped,
            )
    return restoration, () if mask is None else tuple(mask.notes)


def observed(picture: Picture, request: Request) -> tuple[FloatArray, Mask | None]:
    """Give the pixels that a restoration starts from, and which of them it has to make up.

    What is not finite is filled beforehand, unless filling is the task.
    """
    task = request.task
    if isinstance(task, Inpaint):
        pixels = picture.pixels if task.mask is None else picture.visible_pixels()
        return pixels, _mask(picture, task, request).covering(picture.missing)
    pixels = picture.visible_pixels()
    if picture.missing is not None and picture.missing.any():
        from chnorm_cli.restoration import fill_missing

        pixels = fill_missing(pixels, picture.missing)
    return pixels, None


def _mask(picture: Picture, task: Inpaint, request: Request) -> Mask:
    from chnorm_cli.images import mask_from_alpha, mask_from_missing, read_mask

    if task.mask is None:
        return mask_from_alpha(picture, invert=task.invert, grow=task.grow)
    if task.mask == "nan":
        return mask_from_missing(picture)
    return read_mask(
        task.mask,
        name="mask (piped in)" if isinstance(task.mask, bytes) else str(task.mask),
        shape=picture.shape,
        invert=task.invert,
        grow=task.grow,
        page=picture.metadata.page,
        max_pixels=request.reading.max_pixels,
    )
