from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pimmi.errors import UnreadableImage
from pimmi.images.identify import image_id, read_file


def test_the_identifier_is_of_the_bytes_alone() -> None:
    assert image_id(b"") == "cae66941d9efbd404e4d88758ea67670"
    assert len({image_id(bytes([value])) for value in range(256)}) == 256
    assert all(len(image_id(bytes(length))) == 32 for length in (0, 1, 1000))


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"12345678")
    assert read_file(path, max_bytes=8) == b"12345678"
    with pytest.raises(UnreadableImage, match=r"too large: 8 bytes.*images\.max_bytes = 7"):
        read_file(path, max_bytes=7)


def test_a_missing_file_has_its_reason(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="no longer there"):
        read_file(tmp_path / "gone.jpg", max_bytes=100)


def test_folders_and_special_files_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="not a regular file"):
        read_file(tmp_path, max_bytes=10**6)
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe.jpg")
        with pytest.raises(UnreadableImage, match="not a regular file"):
            read_file(tmp_path / "pipe.jpg", max_bytes=10**6)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_has_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "secret.jpg"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(UnreadableImage, match="no permission"):
        read_file(path, max_bytes=100)


def test_a_name_that_no_system_takes_has_its_reason(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="can't be read"):
        read_file(tmp_path / ("x" * 5000), max_bytes=100)
