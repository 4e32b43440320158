"""The errors of the picture layer: one line each, naming the file, the cause and the way out."""


class ImageError(Exception):
    """States that a picture cannot be read or written: ``name: cause; remedy``.

    The three parts are the exception's ``args``, so it survives a trip through a process pool.
    """

    def __init__(self, name: str, cause: str, remedy: str = "") -> None:
        super().__init__(name, cause, remedy)
        self.name = name
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        tail = f"; {self.remedy}" if self.remedy else ""
        return f"{self.name}: {self.cause}{tail}"


class MaskError(ImageError):
    """States that a mask cannot serve: wrong size, in colours, nothing or everything missing."""


class CodecError(Exception):
    """States what is wrong inside a file; the caller, who knows its name, makes an `ImageError`."""

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy


def reason(error: BaseException) -> str:
    """The first line of another library's exception, short enough for one line of ours."""
    if isinstance(error, MemoryError):
        return "not enough memory"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= 120 else text[:119] + "…"
