"""The help in people's words: no names of Python's types."""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup


class Command(TyperCommand):
    """A command whose help shows no type where there is nothing to type, and none of PICTURE."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, flags without `<bool>` and arguments without `<list[str]>`."""
        return without_types(super().get_params(ctx))


class Group(TyperGroup):
    """The same for the program itself and for `chnorm lab`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, flags without `<bool>`."""
        return without_types(super().get_params(ctx))


def without_types(parameters: list[Any]) -> list[Any]:
    """Take the types of flags and arguments out of the help."""
    for parameter in parameters:
        if isinstance(parameter, TyperArgument):
            vars(parameter)["display_type_rich"] = lambda ctx: None
        elif getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
    return parameters
