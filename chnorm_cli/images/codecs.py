"""The library of codecs, with the one that a format needs."""

from typing import Any

from chnorm_cli.images.errors import CodecError


def imagecodecs_with(codec: str, name: str) -> Any:
    """Gives imagecodecs; raises `CodecError` where it was built without `codec`, people's `name` of it."""
    import imagecodecs

    if not getattr(imagecodecs, codec).available:
        raise CodecError(f"needs an imagecodecs with {name}", "pip install --upgrade imagecodecs")
    return imagecodecs
