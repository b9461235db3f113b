"""The image files of a folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pimmi.errors import PimmiError
from pimmi.images.kinds import HEAD_BYTES, kind_of

READ_ENDINGS = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif"),
    *(".bmp", ".dib", ".tif", ".tiff", ".avif", ".heic", ".heif"),
}
UNREAD_ENDINGS = {".svg", ".ico", ".jp2", ".jxl", ".psd"}
IMAGE_ENDINGS = frozenset(READ_ENDINGS | UNREAD_ENDINGS)
"""Files so named are always taken; those that turn out unreadable are listed with their reason."""

SYSTEM_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"})


@dataclass(frozen=True, slots=True, order=True)
class ImageFile:
    """A file that may be an image: path below the root (`/` between folders), bytes, time of change."""

    path: str
    size: int
    mtime_ns: int

    @classmethod
    def at(cls, path: Path, *, root: Path) -> ImageFile:
        """The file at `path`, which lies below `root`; raises OSError if it isn't there."""
        about = path.stat()
        return cls(path.relative_to(root).as_posix(), about.st_size, about.st_mtime_ns)


@dataclass(frozen=True, slots=True, order=True)
class WalkProblem:
    """A folder or file that was left out, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Walk:
    """What a folder holds: image files and problems, both sorted by path, and how many other files."""

    files: tuple[ImageFile, ...]
    problems: tuple[WalkProblem, ...]
    others: int


def walk(root: Path) -> Walk:
    """Find the image files below a folder, at any depth.

    Taken are all files with the ending of an image, and files with another ending or none whose content is an
    image. Hidden files, hidden folders and those of the system are passed over. A folder that is reached
    twice, by a symbolic link, is read once, under its own name if it has one below the root. Folders that
    can't be read, broken links and names that are not valid text become problems.

    Raises PimmiError if the root is missing, is no folder, can't be read, or holds no image.
    """
    if not root.exists():
        raise PimmiError(f"{root} does not exist: give the folder that holds the images")
    if not root.is_dir():
        raise PimmiError(f"{root} is not a folder: give the folder that holds the images")
    walker = _Walker(root)
    walker.run()
    if root_problem := walker.problems.get("."):
        raise PimmiError(f"{root} can't be read: {root_problem}")
    if not walker.files:
        raise PimmiError(f"there is no image in {root}{_instead(walker)}")
    return Walk(
        tuple(sorted(walker.files)),
        tuple(sorted(WalkProblem(path, reason) for path, reason in walker.problems.items())),
        walker.others,
    )


def _instead(walker: _Walker) -> str:
    found = []
    if walker.others:
        found.append(
            "1 file of another kind" if walker.others == 1 else f"{walker.others} files of other kinds"
        )
    if walker.problems:
        path, reason = min(walker.problems.items())
        found.append(f"{len(walker.problems)} that can't be read (first: {path}, {reason})")
    return f": only {' and '.join(found)}" if found else ", nor any other file: is it the right folder?"


class _Walker:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: list[ImageFile] = []
        self.problems: dict[str, str] = {}
        self.others = 0
        self._seen: set[tuple[int, int]] = set()
        self._linked: list[Path] = []

    def run(self) -> None:
        """Real folders first, then those behind links, so that a folder keeps its own name."""
        self._folder(self.root)
        while self._linked:
            self._linked.sort(reverse=True)
            self._folder(self._linked.pop())

    def _folder(self, top: Path) -> None:
        folders = [top]
        while folders:
            folder = folders.pop()
            try:
                about = folder.stat()
                if (about.st_dev, about.st_ino) in self._seen:
                    continue
                self._seen.add((about.st_dev, about.st_ino))
                with os.scandir(folder) as entries:
                    visible = [entry for entry in entries if not _passed_over(entry.name)]
            except OSError as error:
                self._problem(folder, _reason(error))
                continue
            folders.extend(self._entries(visible))

    def _entries(self, entries: list[os.DirEntry[str]]) -> Iterator[Path]:
        """Take the files, put the linked folders aside, and give the real folders."""
        for entry in entries:
            path = Path(entry.path)
            try:
                if entry.is_dir(follow_symlinks=False):
                    yield path
                elif entry.is_symlink() and path.is_dir():
                    self._linked.append(path)
                else:
                    self._file(path, entry.stat())
            except OSError as error:
                self._problem(path, _reason(error))

    def _file(self, path: Path, about: os.stat_result) -> None:
        if not stat.S_ISREG(about.st_mode):
            return
        if path.suffix.lower() not in IMAGE_ENDINGS and not _holds_image(path):
            self.others += 1
            return
        name = path.relative_to(self.root).as_posix()
        if _valid(name):
            self.files.append(ImageFile(name, about.st_size, about.st_mtime_ns))
        else:
            self._problem(path, "its name or its folder's is not valid text (UTF-8): rename it")

    def _problem(self, path: Path, reason: str) -> None:
        name = path.relative_to(self.root).as_posix()
        self.problems[name.encode("utf-8", "backslashreplace").decode()] = reason


def _passed_over(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def _holds_image(path: Path) -> bool:
    with path.open("rb") as file:
        return kind_of(file.read(HEAD_BYTES)) is not None


def _valid(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, FileNotFoundError):
        return "a link to what is no longer there"
    return error.strerror or str(error)
