"""One task in a worker of its own, which has the compiled code that it takes at hand, and whose memory ends with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pimmi.errors import PimmiError
from pimmi.pipeline.crew import local_pool
from pimmi.workers.outcome import Crashed, Failed

T = TypeVar("T")
R = TypeVar("R")


def run_apart(function: Callable[[T], R], task: T, *, what: str) -> R:
    """What a function gives for a task; raises PimmiError, which begins with `what`, if the worker dies."""
    with local_pool(1) as pool:
        (outcome,) = pool.map_unordered(function, [task])
    if isinstance(outcome, Failed):
        raise outcome.error
    if isinstance(outcome, Crashed):
        raise PimmiError(f"{what} failed, as {outcome.reason}: use a machine with more memory")
    return outcome.result
