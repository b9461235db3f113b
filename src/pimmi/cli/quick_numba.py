"""Numba for a process that runs a few functions once: it loads no more than those need."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quick_numba() -> Iterator[None]:
    """Let Numba load neither SciPy, for linear algebra that nothing here uses, nor what only compiling takes.

    That is a third of what a process spends on Numba. What isn't compiled yet still is.
    """
    with _scipy_hidden(), _getting_ready_to_compile_late():
        yield


@contextmanager
def _scipy_hidden() -> Iterator[None]:
    modules: dict[str, Any] = sys.modules
    hidden = "scipy" not in modules
    if hidden:
        modules["scipy"] = None
    try:
        yield
    finally:
        if hidden:
            del modules["scipy"]


@contextmanager
def _getting_ready_to_compile_late() -> Iterator[None]:
    """Numba gets ready to compile whenever it loads a compiled function, and again when it does compile."""
    from numba.core.base import BaseContext
    from numba.core.caching import Cache
    from numba.core.runtime import rtsys

    load_overload, refresh = Cache.load_overload, BaseContext.refresh

    def loaded(cache: Any, signature: Any, context: Any) -> Any:
        rtsys.initialize(context)
        BaseContext.refresh = lambda _: None
        try:
            return load_overload(cache, signature, context)
        finally:
            BaseContext.refresh = refresh

    Cache.load_overload = loaded
    try:
        yield
    finally:
        Cache.load_overload = load_overload
