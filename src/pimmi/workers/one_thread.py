"""Linear algebra in one thread, where there is little of it."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
"""Variables under which numerical libraries that are loaded later use one thread, so that N workers use N cores."""


def one_thread() -> AbstractContextManager[Any]:
    """Let NumPy multiply matrices in one thread meanwhile.

    Those of one image are so small that threads mostly wait for each other, on a busy machine for many times as long as
    one thread takes.
    """
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        return nullcontext()
    limited: AbstractContextManager[Any] = _libraries().limit(limits=1, user_api="blas")
    return limited


@lru_cache
def _libraries() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
