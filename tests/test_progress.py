from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from typing import TextIO

import pytest

from pimmi import progress as module
from pimmi.progress import Progress, duration


def test_lines_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTERVAL_S", 0.0)
    stream = io.StringIO()
    with Progress(stream=stream).stage("Reading images", total=2000, unit="images") as stage:
        stage.advance()
        stage.advance(1999)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("Reading images: 1 of 2,000 images (0 %), ")
    assert lines[0].endswith("left")
    assert lines[1].startswith("Reading images: 2,000 of 2,000 images (100 %), ")
    assert lines[1].endswith("a second")
    assert lines[2].startswith("Reading images: 2,000 images in ")


def test_lines_are_rare() -> None:
    stream = io.StringIO()
    with Progress(stream=stream).stage("Matching", total=None, unit="pairs") as stage:
        for _ in range(1000):
            stage.advance()
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("Matching: 1,000 pairs in ")


def test_a_stage_that_is_stopped_says_how_far_it_came() -> None:
    stream = io.StringIO()
    stage = Progress(stream=stream).stage("Matching", total=10, unit="pairs")
    with pytest.raises(KeyboardInterrupt), stage as work:
        work.advance(4)
        raise KeyboardInterrupt
    assert stream.getvalue() == "Matching: stopped after 4 of 10 pairs (40 %)\n"


def test_a_stage_without_work() -> None:
    stream = io.StringIO()
    with Progress(stream=stream).stage("Matching", total=0, unit="pairs"):
        pass
    assert stream.getvalue().startswith("Matching: 0 pairs in ")


def test_quiet_writes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with Progress(quiet=True).stage("Matching", total=3, unit="pairs") as stage:
        stage.advance(3)
    assert capfd.readouterr() == ("", "")


def test_progress_goes_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with Progress().stage("Matching", total=3, unit="pairs") as stage:
        stage.advance(3)
    output, errors = capfd.readouterr()
    assert output == ""
    assert errors.startswith("Matching: 3 pairs in ")


def terminal() -> tuple[int, TextIO]:
    reading, writing = os.openpty()
    return reading, os.fdopen(writing, "w", encoding="utf-8")


def everything(reading: int) -> str:
    """What was written to a terminal whose other side is closed; Linux ends it with an error, others with nothing."""
    shown = b""
    with contextlib.suppress(OSError):
        while part := os.read(reading, 100_000):
            shown += part
    os.close(reading)
    return shown.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals need POSIX")
def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    reading, stream = terminal()
    with stream, Progress(stream=stream).stage("Reading [images]", total=20, unit="images") as stage:
        stage.advance(15)
        stage.advance(5)
    shown = everything(reading)
    assert "Reading [images]" in shown
    assert "━━━━" in shown
    assert "20 of 20 images (100 %)" in shown
    assert "\x1b[" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals need POSIX")
def test_lines_on_a_terminal_that_cant_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    reading, stream = terminal()
    with stream, Progress(stream=stream).stage("Matching", total=20, unit="pairs") as stage:
        stage.advance(20)
    shown = everything(reading)
    assert shown.startswith("Matching: 20 pairs in ")
    assert "\x1b[" not in shown


def test_rich_is_loaded_for_a_terminal_only() -> None:
    script = (
        "import sys\n"
        "from pimmi.progress import Progress\n"
        "with Progress().stage('Matching', total=1, unit='pairs') as stage:\n"
        "    stage.advance()\n"
        "sys.exit('rich' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], stderr=subprocess.PIPE, check=False).returncode == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (100_000, "27 h 46 min"),
    ],
)
def test_durations_are_for_readers(seconds: float, words: str) -> None:
    assert duration(seconds) == words
