"""What a parameter is: declared with its default, unit, range and reason, checked, and written as TOML."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable
from dataclasses import Field, field, fields
from textwrap import wrap
from typing import Any

from pimmi.errors import SettingsError

Value = bool | int | float | str

TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}


def setting(
    default: Value,
    *,
    why: str,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """One parameter of a section; its type is that of `default`, and both bounds are allowed values."""
    metadata = {"why": why, "unit": unit, "minimum": minimum, "maximum": maximum, "choices": choices}
    return field(default=default, metadata=metadata)


class Section:
    """A group of parameters, checked when it is made; a whole number is accepted where a number is asked."""

    name: str

    def __post_init__(self) -> None:
        for parameter in parameters(type(self)):
            value = checked(self.name, parameter, getattr(self, parameter.name))
            object.__setattr__(self, parameter.name, value)


def parameters(section: type[Any]) -> tuple[Field[Any], ...]:
    """The parameters of a section, in order; each carries `why`, `unit` and its range in `metadata`."""
    return fields(section)


def checked(section: str, parameter: Field[Any], value: object) -> Any:
    """The value in the parameter's own type; raises SettingsError if that can't be or it is out of range."""
    default: Any = parameter.default
    kind = type(default)
    typed: Any = float(value) if kind is float and type(value) is int else value
    if type(typed) is not kind or (kind is float and not math.isfinite(typed)):
        raise SettingsError(f"{section}.{parameter.name} must be {TYPE_NAMES[kind]}, not {value!r}")
    limits = parameter.metadata
    if limits["choices"] is not None and typed not in limits["choices"]:
        raise SettingsError(
            f"{section}.{parameter.name} must be one of {', '.join(limits['choices'])}, not {value!r}"
        )
    if limits["minimum"] is not None and typed < limits["minimum"]:
        raise SettingsError(f"{section}.{parameter.name} is {typed}: it must be at least {limits['minimum']}")
    if limits["maximum"] is not None and typed > limits["maximum"]:
        raise SettingsError(f"{section}.{parameter.name} is {typed}: it must be at most {limits['maximum']}")
    return typed


def hint(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about a word that isn't known: the nearest known one, else all of them."""
    known = list(known)
    nearest = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f": did you mean {nearest[0]}?" if nearest else f": known are {', '.join(known)}"


def to_toml(parameter: Field[Any], value: Value) -> str:
    """One line of TOML with the reason, unit, default and range of the parameter as comments above it."""
    about = parameter.metadata
    facts = [f"Unit: {about['unit']}."] if about["unit"] else []
    facts.append(f"Default: {_literal(parameter.default)}.")
    if about["choices"] is not None:
        facts.append(f"One of: {', '.join(about['choices'])}.")
    if about["minimum"] is not None:
        facts.append(f"At least {_literal(about['minimum'])}.")
    if about["maximum"] is not None:
        facts.append(f"At most {_literal(about['maximum'])}.")
    comments = wrap(about["why"], 98) + wrap(" ".join(facts), 98)
    return "\n".join([*(f"# {line}" for line in comments), f"{parameter.name} = {_literal(value)}"])


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:_}" if value >= 10_000 else str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
