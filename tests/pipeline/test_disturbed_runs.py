"""Runs that are killed, stopped or out of disk, and then run again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import pimmi
from conftest import exports

STOPPED = (130, -signal.SIGINT)
"""How a command ends after Ctrl-C; a shell says 130 for both. Python itself chooses the second where the interrupt came
while it ran text as code, as dataclasses do."""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")

KILLS = 10


def start(images: Path, study: Path, settings: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pimmi", "run", images, study, "--settings", settings, "--workers", "2"]
    return subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=120)
    return process.returncode, said


@pytest.fixture
def settings(small_shards: pimmi.Settings, tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(small_shards.to_toml(), encoding="utf-8")
    return path


def test_killed_runs_lose_nothing(
    corpus: Path, settings: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """Studies are made while being killed, at moments spread over the whole time that a run takes."""
    images = corpus / "images"
    began = time.monotonic()
    assert end(start(images, tmp_path / "undisturbed", settings))[0] == 0
    duration = time.monotonic() - began
    assert exports(tmp_path / "undisturbed", tmp_path / "tables") == expected

    def check(study: Path) -> None:
        assert not list(study.rglob(".new-*"))
        assert exports(study, tmp_path / "tables") == expected

    draw = random.Random(7)
    kills = 0
    studies = iter(tmp_path / f"study {number}" for number in range(3 * KILLS))
    study = next(studies)
    untouched = True
    while kills < KILLS:
        began = time.monotonic()
        process = start(images, study, settings)
        moment = duration * ((kills * 7 % KILLS + draw.random()) / KILLS)
        try:
            _, said = process.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            untouched = False
            continue
        assert process.returncode == 0, said
        check(study)
        if untouched:
            duration = min(duration, time.monotonic() - began)
        study = next(studies)
        untouched = True
    status, said = end(start(images, study, settings))
    assert status == 0, said
    check(study)


def test_a_stopped_run_says_so_and_goes_on(
    corpus: Path, settings: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    study = tmp_path / "study"
    process = start(corpus / "images", study, settings)
    while not (study / "shards" / "0000").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    status, said = end(process)
    assert status in STOPPED
    assert said.splitlines()[-1] == "pimmi: stopped: the same command goes on where it stopped"
    assert not list(study.rglob(".new-*"))
    assert end(start(corpus / "images", study, settings))[0] == 0
    assert exports(study, tmp_path / "tables") == expected


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 16 MB, almost filled by a file `ballast`."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        (disk / "ballast").write_bytes(bytes(16_200_000))
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="needs tmpfs")
def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_space(
    corpus: Path, settings: Path, expected: dict[str, bytes], tmp_path: Path, small_disk: Path
) -> None:
    study = small_disk / "study"
    status, said = end(start(corpus / "images", study, settings))
    last = said.splitlines()[-1]
    assert status == 2
    assert last == f"pimmi: the disk that holds {study} is full: free some space, or write elsewhere"
    assert "Traceback" not in said
    assert not list(study.rglob(".new-*"))
    (small_disk / "ballast").unlink()
    assert end(start(corpus / "images", study, settings))[0] == 0
    assert exports(study, tmp_path / "tables") == expected
