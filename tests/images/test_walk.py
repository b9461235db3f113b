from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from pimmi.errors import PimmiError
from pimmi.images.walk import ImageFile, walk


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(buffer, kind)
    return buffer.getvalue()


PNG = picture("PNG")
JPEG = picture("JPEG")


def put(root: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def found(root: Path) -> list[str]:
    return [file.path for file in walk(root).files]


def test_images_are_found_at_any_depth_in_order(tmp_path: Path) -> None:
    put(tmp_path, {"b.jpg": JPEG, "a/z.png": PNG, "a/c/d/e.webp": PNG, "B.GIF": PNG, "été/1.JPG": JPEG})
    assert found(tmp_path) == ["B.GIF", "a/c/d/e.webp", "a/z.png", "b.jpg", "été/1.JPG"]
    about = (tmp_path / "b.jpg").stat()
    assert walk(tmp_path).files[3] == ImageFile("b.jpg", len(JPEG), about.st_mtime_ns)
    assert ImageFile.at(tmp_path / "a" / "z.png", root=tmp_path) in walk(tmp_path).files


def test_content_decides_where_the_ending_does_not(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "no_ending": JPEG,
            "photo.dat": PNG,
            "posts.csv": b"url,text\n",
            "clip.mp4": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00",
            "empty": b"",
            "saved_page.jpg": b"<html>",
            "empty.png": b"",
            "drawing.svg": b"<svg/>",
        },
    )
    assert found(tmp_path) == [
        "drawing.svg",
        "empty.png",
        "no_ending",
        "photo.dat",
        "saved_page.jpg",
    ]
    assert walk(tmp_path).others == 3
    assert walk(tmp_path).problems == ()


def test_hidden_and_system_files_are_passed_over(tmp_path: Path) -> None:
    hidden = [
        ".DS_Store",
        "._a.jpg",
        ".git/b.jpg",
        "Thumbs.db",
        "__MACOSX/a.jpg",
        "@eaDir/a.jpg",
        "Desktop.ini",
    ]
    put(tmp_path, {"a.jpg": JPEG, **dict.fromkeys(hidden, JPEG)})
    assert found(tmp_path) == ["a.jpg"]
    assert walk(tmp_path).others == 0


def test_a_hidden_root_is_walked(tmp_path: Path) -> None:
    put(tmp_path, {".cache/a.jpg": JPEG})
    assert found(tmp_path / ".cache") == ["a.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_end_and_folders_are_read_once(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    root = tmp_path / "root"
    put(outside, {"o.jpg": JPEG})
    put(root, {"z/a.jpg": JPEG})
    (root / "a_link_to_z").symlink_to(root / "z")
    (root / "z" / "up").symlink_to(root)
    (root / "elsewhere").symlink_to(outside)
    (root / "elsewhere_again").symlink_to(outside)
    (root / "file_link.jpg").symlink_to(root / "z" / "a.jpg")
    assert found(root) == ["elsewhere/o.jpg", "file_link.jpg", "z/a.jpg"]
    (tmp_path / "root_link").symlink_to(root)
    assert found(tmp_path / "root_link") == found(root)


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes need POSIX")
def test_what_cant_be_read_is_a_problem_and_no_more(tmp_path: Path) -> None:
    put(tmp_path, {"a.jpg": JPEG})
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "circle.jpg").symlink_to(tmp_path / "circle.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert found(tmp_path) == ["a.jpg"]
    problems = {problem.path: problem.reason for problem in walk(tmp_path).problems}
    assert list(problems) == ["broken.jpg", "circle.jpg"]
    assert "no longer there" in problems["broken.jpg"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_folder_is_a_problem(tmp_path: Path) -> None:
    put(tmp_path, {"a.jpg": JPEG, "closed/b.jpg": JPEG})
    (tmp_path / "closed").chmod(0)
    try:
        result = walk(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert [file.path for file in result.files] == ["a.jpg"]
    assert [(problem.path, problem.reason) for problem in result.problems] == [
        ("closed", "no permission to read it")
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_text_are_problems(tmp_path: Path) -> None:
    put(tmp_path, {"a.jpg": JPEG, "sub/b.jpg": JPEG})
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(JPEG)
    (tmp_path / "sub").rename(tmp_path / os.fsdecode(b"\xff"))
    result = walk(tmp_path)
    assert [file.path for file in result.files] == ["a.jpg"]
    assert [problem.path for problem in result.problems] == ["\\udcff/b.jpg", "caf\\udce9.jpg"]
    assert all("rename it" in problem.reason for problem in result.problems)


def test_a_root_that_is_no_folder_of_images_is_refused(tmp_path: Path) -> None:
    put(tmp_path, {"notes/a.txt": b"hello", "picture.jpg": JPEG})
    (tmp_path / "nothing").mkdir()
    with pytest.raises(PimmiError, match="does not exist"):
        walk(tmp_path / "missing")
    with pytest.raises(PimmiError, match="is not a folder"):
        walk(tmp_path / "picture.jpg")
    with pytest.raises(PimmiError, match=r"no image in .*: only 1 file of another kind"):
        walk(tmp_path / "notes")
    with pytest.raises(PimmiError, match=r"no image in .*nothing.*is it the right folder"):
        walk(tmp_path / "nothing")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_root_that_is_forbidden_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(PimmiError, match="can't be read: no permission"):
        walk(tmp_path / "closed")
