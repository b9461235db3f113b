"""What became of a task, and what any kind of pool can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Done(Generic[R]):
    """The function returned; `index` is the task's place among the tasks."""

    index: int
    result: R


@dataclass(frozen=True, slots=True)
class Failed:
    """The function raised `error`; `traceback` is its text as the worker saw it."""

    index: int
    error: Exception
    traceback: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """The worker's process ended while it had this task and no other, for `reason`.

    A damaged file can bring a decoder down, or the memory ran out: the task may succeed in smaller pieces.
    """

    index: int
    reason: str


Outcome: TypeAlias = Done[R] | Failed | Crashed


class Pool(Protocol):
    """Workers that run a function on many tasks; what the pipeline needs of one, local or on a cluster."""

    @property
    def workers(self) -> int:
        """How many tasks run at the same time."""

    def map_unordered(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[R]]:
        """One outcome for each task, in the order in which they end.

        `function` must be importable by name in another process, and tasks and results picklable. Tasks are
        taken from the iterable only when a worker is free for them.
        """
