"""`pimmi ui` as a user runs it: it says where the pages are, serves them, and ends by Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

pytest.importorskip("fastapi", reason='the pages need pip install "pimmi[ui]"')

import pimmi


@pytest.fixture(scope="module")
def own(study: pimmi.Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the study, for the pages keep thumbnails in it."""
    return Path(shutil.copytree(study.path, tmp_path_factory.mktemp("own") / "study"))


@contextmanager
def ui(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and the address that it prints; it ends by Ctrl-C."""
    command = [sys.executable, "-m", "pimmi", "ui", *map(str, arguments), "--no-browser", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)


def answer(address: str) -> dict[str, object]:
    with urlopen(address, timeout=20) as response:
        found: dict[str, object] = json.load(response)
        return found


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent in another way on Windows")
def test_it_serves_the_study_with_the_users_table(study: pimmi.Study, own: Path, tmp_path: Path) -> None:
    table = tmp_path / "posts.csv"
    paths = [str(path) for path in study.images().column("path").to_pylist()[:3]]
    table.write_text(
        "file,when\n" + "".join(f'"{path}",2024-05-0{day}\n' for day, path in enumerate(paths, 1))
    )
    with ui(own, "--metadata", table, "--path-column", "file", "--date-column", "when") as (
        process,
        address,
    ):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        metadata = answer(f"{address}api/study")["metadata"]
        assert isinstance(metadata, dict)
        assert metadata["rows"] + metadata["unknown"] == 3
    assert process.returncode in (0, 130)
    assert process.stderr is not None


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent in another way on Windows")
def test_an_address_that_others_reach_needs_a_token(own: Path) -> None:
    with ui(own, "--host", "0.0.0.0") as (_, address):
        found = re.fullmatch(r"http://[^:]+:(\d+)/\?token=(\S{20,})", address)
        assert found is not None
        port, token = found.groups()
        with pytest.raises(HTTPError, match="401"):
            urlopen(f"http://127.0.0.1:{port}/api/study", timeout=20)
        assert answer(f"http://127.0.0.1:{port}/api/clusters?token={token}&page=1")["page"] == 1


def test_what_is_wrong_is_told_in_one_line(own: Path, tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("file,when\na.jpg,never\n")
    named = ("--metadata", tmp_path / "posts.csv", "--path-column", "picture")
    for arguments, says in (
        (
            named,
            "have no column picture: there are file, when",
        ),
        (("--metadata", tmp_path / "nowhere.csv"), "nowhere.csv can't be read"),
        (("--host", "192.0.2.1"), "192.0.2.1 is no address of this machine"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "pimmi", "ui", str(own), *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 2
        assert says in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_missing_extra_is_named(own: Path) -> None:
    code = (
        "import sys; sys.modules['uvicorn'] = None; from pimmi.cli import main; "
        f"sys.exit(main(['ui', {str(own)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert 'pip install "pimmi[ui]"' in done.stderr
