"""How far long work has come, on stderr: a bar on a terminal, else a line now and then, or nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

INTERVAL_S = 5.0
"""Time between two lines where there is no terminal."""


class Stage(Protocol):
    """A part of the work that is under way."""

    def advance(self, count: int = 1) -> None:
        """Count `count` more units as done."""


class Progress:
    """Reports stages on `stream`, stderr if it is None; `quiet` reports nothing.

    with progress.stage("Reading images", total=10_000, unit="images") as stage:
        stage.advance(64)
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._quiet = quiet
        self._stream = sys.stderr if stream is None else stream

    def say(self, text: str) -> None:
        """Write a line, between two stages."""
        if not self._quiet:
            print(text, file=self._stream, flush=True)

    def stage(self, name: str, *, total: int | None, unit: str) -> AbstractContextManager[Stage]:
        """A stage of `total` units, or of an unknown number if it is None."""
        if self._quiet:
            return _silent()
        tally = _Tally(total=total, unit=unit)
        if self._stream.isatty() and os.environ.get("TERM") != "dumb":
            return _bar(self._stream, name, tally)
        return _lines(self._stream, name, tally)


class _Silent:
    def advance(self, count: int = 1) -> None:
        pass


class _Tally:
    """Units done, of how many, since when."""

    def __init__(self, *, total: int | None, unit: str) -> None:
        self.done = 0
        self.total = total
        self.unit = unit
        self._started = time.monotonic()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._started

    @property
    def count(self) -> str:
        if self.total is None:
            return f"{self.done:,} {self.unit}"
        share = f" ({100 * self.done // self.total} %)" if self.total else ""
        return f"{self.done:,} of {self.total:,} {self.unit}{share}"

    @property
    def speed(self) -> str:
        return f"{self.done / max(self.elapsed, 1e-9):,.1f} a second"

    @property
    def left(self) -> str:
        if self.total is None or not 0 < self.done < self.total:
            return ""
        return f", {duration(self.elapsed * (self.total - self.done) / self.done)} left"


class _Line:
    """A tally of which a line is written every INTERVAL_S."""

    def __init__(self, stream: TextIO, name: str, tally: _Tally) -> None:
        self._stream = stream
        self._name = name
        self._tally = tally
        self._written = time.monotonic()

    def advance(self, count: int = 1) -> None:
        self._tally.done += count
        if time.monotonic() - self._written >= INTERVAL_S:
            self._written = time.monotonic()
            self.write(f"{self._tally.count}, {self._tally.speed}{self._tally.left}")

    def write(self, text: str) -> None:
        print(f"{self._name}: {text}", file=self._stream, flush=True)


@contextmanager
def _silent() -> Iterator[Stage]:
    yield _Silent()


@contextmanager
def _lines(stream: TextIO, name: str, tally: _Tally) -> Iterator[Stage]:
    line = _Line(stream, name, tally)
    try:
        yield line
    except BaseException:
        line.write(f"stopped after {tally.count}")
        raise
    line.write(f"{tally.done:,} {tally.unit} in {duration(tally.elapsed)}")


@contextmanager
def _bar(stream: TextIO, name: str, tally: _Tally) -> Iterator[Stage]:
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[text]}", markup=False),
        progress.TimeRemainingColumn(elapsed_when_finished=True),
    )

    class Bar:
        def advance(self, count: int = 1) -> None:
            tally.done += count
            display.update(task, completed=tally.done, text=f"{tally.count}, {tally.speed}")

    with progress.Progress(*columns, console=Console(file=stream), refresh_per_second=4) as display:
        task = display.add_task(name, total=tally.total, text=tally.count)
        yield Bar()


def duration(seconds: float) -> str:
    """A time span for a reader: `4.2 s`, `3 min 20 s`, `2 h 05 min`."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"
