"""What is said when a disk refuses a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from pimmi.outputs.disk import why_not_written


def error_of_writing(path: Path) -> OSError:
    with pytest.raises(OSError) as caught:
        path.write_bytes(b"x")
    return caught.value


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_named() -> None:
    error = error_of_writing(Path("/dev/full"))
    assert why_not_written(Path("study"), error) == (
        "the disk that holds study is full: free some space, or write elsewhere"
    )


def test_any_other_refusal_is_told_as_the_system_tells_it(tmp_path: Path) -> None:
    assert (
        why_not_written(tmp_path, error_of_writing(tmp_path))
        == f"{tmp_path} can't be written: Is a directory"
    )
