"""Numba for a process that runs a few functions once: it loads no more than those need."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

KNOWN = (0, 68)
"""The version of Numba on whose inner parts this relies."""


@contextmanager
def quick_numba() -> Iterator[None]:
    """Let Numba load neither SciPy, for linear algebra that nothing here uses, nor PyYAML, for a file of its settings,
    nor what only compiling takes.

    What isn't compiled yet still is. A Numba of another version than KNOWN loads as it will.
    """
    with _hidden("scipy", "yaml"), _getting_ready_to_compile_late():
        yield


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Modules that aren't loaded yet can't be, meanwhile."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in names if name not in modules]
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


@contextmanager
def _getting_ready_to_compile_late() -> Iterator[None]:
    """Numba gets ready to compile whenever it loads a compiled function, and again when it does compile.

    Meanwhile it loads, with a compiled function, neither those of its own modules of whose functions that has copies,
    nor what other functions need of it to be compiled.
    """
    parts = _inner_parts()
    if parts is None:
        yield
        return
    cache, contexts, runtime, inner, environment, binding, engines = parts

    def loaded(of_function: Any, signature: Any, context: Any) -> Any:
        with (
            _replaced(contexts, "refresh", lambda _: None),
            _replaced(inner, "compile_nrt_functions", lambda _: None),
            _replaced(environment, "importlib", SimpleNamespace(import_module=_imported)),
            _replaced(engines, "is_symbol_defined", lambda *_: True),
            _replaced(binding, "parse_bitcode", partial(_Unparsed, binding.parse_bitcode)),
        ):
            if not runtime._init:
                runtime.initialize(context)
                runtime._init = False
            return load_overload(of_function, signature, context)

    load_overload = cache.load_overload
    with _replaced(cache, "load_overload", loaded):
        yield


def _inner_parts() -> tuple[Any, ...] | None:
    """What is replaced, or used, of Numba; None where that isn't known to work."""
    try:
        from llvmlite import binding
        from numba import version_info
        from numba.core import base, caching, codegen, environment
        from numba.core.runtime import nrtdynmod
        from numba.core.runtime.nrt import rtsys

        parts: dict[str, Any] = {
            "load_overload": caching.Cache,
            "refresh": base.BaseContext,
            "_init": rtsys,
            "compile_nrt_functions": nrtdynmod,
            "importlib": environment,
            "parse_bitcode": binding,
            "is_symbol_defined": codegen.JitEngine,
        }
    except (ImportError, AttributeError):
        return None
    known = version_info.short == KNOWN and all(hasattr(owner, name) for name, owner in parts.items())
    return tuple(parts.values()) if known else None


@dataclass(frozen=True)
class _Unparsed:
    """The functions of a compiled one, as others take them in; they are parsed when one does."""

    parse: Callable[[bytes], Any]
    bitcode: bytes
    functions: tuple[()] = ()
    global_variables: tuple[()] = ()

    def clone(self) -> Any:
        return self.parse(self.bitcode)


def _imported(name: str) -> ModuleType:
    """A module, but one of Numba that isn't loaded yet without what is in it."""
    return ModuleType(name) if name.startswith("numba.") and name not in sys.modules else import_module(name)


@contextmanager
def _replaced(owner: Any, name: str, by: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, by)
    try:
        yield
    finally:
        setattr(owner, name, before)
