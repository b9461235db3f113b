"""Write docs/reference.md: every command, column, setting and public function, as the code describes them.

    python docs/make_reference.py

A test says when it has to be run again.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from inspect import cleandoc
from pathlib import Path
from typing import Any

import pimmi
from pimmi.cli.app import app
from pimmi.cli.main import main as command_line
from pimmi.outputs.tables import TABLES
from pimmi.parameters import parameters
from pimmi.settings import PRESETS, SECTIONS

REFERENCE = Path(__file__).with_name("reference.md")

HEAD = """# Reference

Made from the code by `docs/make_reference.py`; don't edit it by hand.

- [Commands](#commands)
- [Tables](#tables)
- [Settings](#settings)
- [Python](#python)
"""


def reference() -> str:
    """The text of docs/reference.md."""
    blocks = [HEAD, *_commands(), *_tables(), *_settings(), *_python()]
    return "\n".join(block.rstrip("\n") + "\n" for block in blocks)


def _commands() -> Iterator[str]:
    yield "## Commands"
    yield "`pimmi COMMAND --help` shows the same. With `--debug`, an error shows where it arose."
    yield "The exit status: " + _markdown(command_line.__doc__ or "").partition("\n\n")[2]
    for name in _command_names():
        yield f"### pimmi {name}"
        text, columns, _ = _markdown(app[name].help).partition("Columns of ")
        yield text
        if columns:
            yield "[Tables](#tables) explains the columns."
        yield "\n".join(_arguments(name))


def _command_names() -> list[str]:
    return sorted((name for name in app if not name.startswith("-")), key=lambda name: app[name].sort_key)


def _arguments(command: str) -> Iterator[str]:
    for argument in app[command].assemble_argument_collection():
        if not argument.show:
            continue
        about = [argument.parameter.help or ""]
        if choices := argument.get_choices():
            about.append(f"One of: {', '.join(choices)}.")
        if argument.show_default and argument.field_info.default not in (None, inspect.Parameter.empty):
            about.append(f"Default: {argument.field_info.default}.")
        names = " or ".join(f"`{name}`" for name in argument.names)
        yield f"- {names}: {' '.join(about)}"


def _tables() -> Iterator[str]:
    yield "## Tables"
    yield (
        "What `pimmi export` writes, and what `Study.links()`, `Study.cluster_table()` and `Study.images()` "
        "return. A cell is empty (CSV) or null (Parquet, JSON) where there is nothing to tell."
    )
    for name, table in TABLES.items():
        yield f"### {name}"
        yield f"A row for {table.row}."
        yield _table(["Column", "Meaning"], [[f"`{key}`", meaning] for key, meaning in table.columns.items()])


def _settings() -> Iterator[str]:
    yield "## Settings"
    yield (
        "`pimmi settings -o my.toml` writes them to a file, and `pimmi run IMAGES STUDY --settings my.toml` reads "
        "it. A preset changes some of them:"
    )
    changed = sorted({(s, key) for values in PRESETS.values() for s in values for key in values[s]})
    of_preset = {name: pimmi.Settings.preset(name).to_dict() for name in PRESETS}
    yield _table(
        ["Setting", *(f"`{name}`" for name in PRESETS)],
        [[f"`{s}.{key}`", *(_value(of_preset[name][s][key]) for name in PRESETS)] for s, key in changed],
    )
    for section, kind in SECTIONS.items():
        yield f"### [{section}]"
        yield str(kind.__doc__)
        rows = [
            [
                f"`{one.name}`",
                _value(one.default),
                one.metadata["unit"],
                _range(one.metadata),
                one.metadata["why"],
            ]
            for one in parameters(kind)
        ]
        yield _table(["Setting", "Default", "Unit", "Allowed", "Why"], rows)


def _range(limits: Any) -> str:
    if limits["choices"] is not None:
        return ", ".join(limits["choices"])
    if limits["maximum"] is None:
        return f"{_value(limits['minimum'])} or more"
    return f"{_value(limits['minimum'])} to {_value(limits['maximum'])}"


def _value(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _python() -> Iterator[str]:
    yield "## Python"
    first, _, example = (inspect.getdoc(pimmi) or "").partition("\n\n")
    yield first
    yield _code(example)
    for name in pimmi.__all__:
        thing = getattr(pimmi, name)
        if not inspect.isclass(thing):
            yield f"### pimmi.{name}"
            yield _code(f"pimmi.{name}{_signature(thing)}")
            yield _markdown(inspect.getdoc(thing) or "")
            continue
        yield f"### pimmi.{name}"
        if issubclass(thing, Exception):
            parent = thing.__mro__[1].__name__
            yield f"An error, a kind of `{parent}`." if parent != "Exception" else "An error."
        yield _markdown(inspect.getdoc(thing) or "")
        if is_dataclass(thing):
            yield "\n".join(_fields(thing))
        yield from _methods(name, thing)


def _fields(kind: type[Any]) -> Iterator[str]:
    """A line for each field, with the text that follows it in the code."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    for line, after in zip(definition.body, [*definition.body[1:], None], strict=True):
        if isinstance(line, ast.AnnAssign):
            said = isinstance(after, ast.Expr) and ast.get_docstring(ast.Module([after], []))
            yield f"- `{ast.unparse(line.target)}: {ast.unparse(line.annotation)}`{f': {said}' if said else ''}"


def _methods(name: str, kind: type[Any]) -> Iterator[str]:
    for method, found in vars(kind).items():
        if method.startswith("_") or not (inspect.isfunction(found) or isinstance(found, classmethod)):
            continue
        function = getattr(kind, method)
        yield f"#### {name}.{method}"
        yield _code(f"{name}.{method}{_signature(function)}")
        yield _markdown(inspect.getdoc(function) or "")


class _Annotation(str):
    """An annotation that is shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _signature(function: Any) -> str:
    signature = inspect.signature(function)
    shown = [
        parameter.replace(annotation=_Annotation(parameter.annotation))
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    return str(
        signature.replace(parameters=shown, return_annotation=_Annotation(signature.return_annotation))
    )


def _markdown(text: str) -> str:
    """A docstring with its code in blocks: commands are indented, of Python some lines are."""
    blocks = []
    for block in cleandoc(text).split("\n\n"):
        indented = [line.startswith("    ") for line in block.splitlines()]
        language = "sh" if all(indented) else "python"
        blocks.append(_code(textwrap.dedent(block), language=language) if any(indented) else block)
    return "\n\n".join(blocks)


def _code(text: str, *, language: str = "python") -> str:
    return f"```{language}\n{text}\n```"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    REFERENCE.write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
