"""Options that belong together are declared once, as the fields of a dataclass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Any, TypeVar, get_type_hints

Result = TypeVar("Result")


def flat(command: Callable[..., Result]) -> Callable[..., Result]:
    """Give Typer a command whose dataclass parameters are spread out into single options.

        @flat
        def denoise(picture: Picture, options: Options) -> ExitCode: ...

    Dataclasses may hold dataclasses. Every parameter must be a keyword.
    """
    signature = inspect.signature(command, eval_str=True)
    groups = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if is_dataclass(parameter.annotation)
    }
    spread = [
        option
        for parameter in signature.parameters.values()
        for option in (
            _options(parameter.annotation)
            if parameter.name in groups
            else [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)]
        )
    ]

    @wraps(command)
    def flattened(**values: Any) -> Result:
        built = {name: _build(group, values) for name, group in groups.items()}
        return command(**values, **built)

    del flattened.__dict__["__wrapped__"]  # Typer would look through it, at the dataclasses
    flattened.__dict__["__signature__"] = signature.replace(parameters=spread)
    flattened.__annotations__ = {option.name: option.annotation for option in spread}
    return flattened


def _options(group: Any) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for item in fields(group):
        if is_dataclass(hints[item.name]):
            yield from _options(hints[item.name])
            continue
        default = inspect.Parameter.empty if item.default is MISSING else item.default
        yield inspect.Parameter(
            item.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=hints[item.name],
        )


def _build(group: Any, values: dict[str, Any]) -> Any:
    """Take the group's options out of `values` and build it."""
    hints = get_type_hints(group)
    return group(
        **{
            item.name: _build(hints[item.name], values)
            if is_dataclass(hints[item.name])
            else values.pop(item.name)
            for item in fields(group)
        }
    )
