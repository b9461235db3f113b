"""Numba for a process that runs a few functions once: it loads no more than those need."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quick_numba() -> Iterator[None]:
    """Let Numba load neither SciPy, for linear algebra that nothing here uses, nor PyYAML, for a file of its settings,
    nor what only compiling takes.

    What isn't compiled yet still is. A Numba whose inner parts have other names loads as it will.
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
    """Numba gets ready to compile whenever it loads a compiled function, and again when it does compile."""
    try:
        from numba.core import base, caching
        from numba.core.runtime.nrt import rtsys

        cache: Any = caching.Cache
        contexts: Any = base.BaseContext
        runtime: Any = rtsys
        load_overload, refresh = cache.load_overload, contexts.refresh
    except (ImportError, AttributeError):
        cache = None
    if cache is None:
        yield
        return

    def loaded(of_function: Any, signature: Any, context: Any) -> Any:
        runtime.initialize(context)
        contexts.refresh = lambda _: None
        try:
            return load_overload(of_function, signature, context)
        finally:
            contexts.refresh = refresh

    cache.load_overload = loaded
    try:
        yield
    finally:
        cache.load_overload = load_overload
