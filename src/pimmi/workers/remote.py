"""What runs inside a Dask worker, perhaps on another machine that shares the study's folder."""

from __future__ import annotations

import importlib
import os
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from socket import gethostname

from pimmi.errors import PimmiError
from pimmi.study.writing import permitted_by
from pimmi.workers.one_thread import ONE_THREAD
from pimmi.workers.worker import answer

SHOWN_S = 3.0
"""How long a shared folder may take to show a new file to another machine."""
PACKAGES = (
    "pimmi",
    "dask",
    "distributed",
    "numba",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "pyarrow",
    "simplejpeg",
)
"""Packages that talk to each other across machines, or on whose versions results may depend."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker must have: packages in the versions of `versions()`, and the modules `preload`."""

    versions: tuple[tuple[str, str], ...]
    preload: tuple[str, ...]


def versions() -> tuple[tuple[str, str], ...]:
    """The names and versions of Python and of the packages that must be the same everywhere."""
    return (("Python", f"{sys.version_info.major}.{sys.version_info.minor}"), *map(_installed, PACKAGES))


def get_ready(surroundings: Surroundings, permit: Path) -> str | None:
    """Load what tasks need; the sentence that says why this worker can't work, if so."""
    try:
        _load(surroundings)
        _check_seen(permit)
    except PimmiError as error:
        return str(error)
    return None


def run_request(request: bytes, surroundings: Surroundings, permit: Path) -> bytes:
    """Answer a request as a local worker does; what it writes has its name only while `permit` is there."""

    def before() -> None:
        _load(surroundings)
        _check_seen(permit)

    with permitted_by(permit):
        return answer(request, before=before)


@lru_cache
def _load(surroundings: Surroundings) -> None:
    for (name, theirs), (_, ours) in zip(surroundings.versions, versions(), strict=True):
        if ours != theirs:
            raise PimmiError(
                f"a worker on {gethostname()} has {name} {ours}, and the machine that runs pimmi has {theirs}: "
                "install the same versions on both"
            )
    os.environ.update(ONE_THREAD)
    for name in surroundings.preload:
        importlib.import_module(name)
    import cv2

    cv2.setNumThreads(1)


def _check_seen(permit: Path) -> None:
    """Raise PimmiError if the file that the main process made in the study's folder isn't there."""
    until = time.monotonic() + SHOWN_S
    while True:
        try:
            permit.open("rb").close()
            return
        except OSError as error:
            if time.monotonic() > until:
                raise PimmiError(
                    f"a worker on {gethostname()} doesn't see the study in {permit.parent} ({error.strerror}): "
                    "each machine with workers needs that folder under the same path"
                ) from None
        time.sleep(SHOWN_S / 10)


def _installed(name: str) -> tuple[str, str]:
    try:
        return name, version(name)
    except PackageNotFoundError:
        return name, "(not installed)"
