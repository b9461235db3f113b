"""Commands for a study that is made already: status, remove, compact, merge; and what two studies share."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pimmi.cli.options import Algorithm, AsJson, Dask, Quiet, Resolution, StudyFolder, Workers
from pimmi.cli.program import program
from pimmi.cli.studying import crew_of
from pimmi.errors import PimmiError
from pimmi.outputs.disk import full_disk_named

if TYPE_CHECKING:
    from pimmi import Status, Study
    from pimmi.progress import Progress


def status(study: StudyFolder, /, *, as_json: AsJson = False) -> None:
    """Say what is done in a study and what is not, and what to run next.

    With --json: the same numbers under the names that the reference gives for
    pimmi.Status, and the next command as next.

    For example:

        pimmi status study/
    """
    import pimmi

    found = pimmi.open(study).status()
    advice = _next(found, study)
    if as_json:
        print(json.dumps(asdict(found) | {"next": advice}, indent=2))
        return
    print(f"{found.files:,} image files: {found.images:,} different images, {found.unreadable:,} unreadable")
    unused = (
        f"; {_counted(found.unused_images, 'image')} of no file: pimmi compact drops what was read of them"
    )
    print(f"{_counted(found.removed, 'file')} removed{unused if found.unused_images else ''}")
    print(
        f"{_counted(found.shards, 'shard')}; {found.pairs_compared:,} of {found.pairs:,} pairs of shards compared"
    )
    print(f"grouped: {GROUPED[found.grouped]}; {_counted(found.decisions, 'decision')}")
    parts = ", ".join(f"{name} {size_of(used)}" for name, used in found.disk_bytes.items() if used)
    print(f"{size_of(sum(found.disk_bytes.values()))} on the disk{f': {parts}' if parts else ''}")
    print(f"\nNext: {advice}")


GROUPED = {"no": "no", "outdated": "not since it changed", "yes": "yes, up to date"}


def _next(status: Status, study: Path) -> str:
    folder = quote(str(study))
    if not status.files:
        return f"{program()} run IMAGES {folder}"
    if not status.matched:
        return f"{program()} match {folder}"
    if status.grouped != "yes":
        return f"{program()} group {folder}"
    return f"{program()} ui {folder}"


def size_of(count: int) -> str:
    """A number of bytes for people."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def remove(
    study: StudyFolder,
    paths: Annotated[
        list[Path] | None,
        Parameter(
            negative=(), help="Files or folders: as the study lists them, or where they are on the disk."
        ),
    ] = None,
    /,
    *,
    missing: Annotated[
        bool, Parameter(negative="", show_default=False, help="Remove all files that are gone from the disk.")
    ] = False,
    algorithm: Algorithm = None,
    resolution: Resolution = None,
    quiet: Quiet = False,
) -> None:
    """Remove files from a study, and group the rest again.

    No image is deleted from the disk. A file that was removed stays removed when
    its folder is added again, unless it has changed. What was read of it is kept
    until pimmi compact. If images go that stood for many near-exact copies, these
    are to be matched before all are grouped; the command says so.

    For example:

        pimmi remove study/ may/03842e4be082.jpg april
        pimmi remove study/ --missing
    """
    import pimmi
    from pimmi.progress import Progress

    if not paths and not missing:
        raise PimmiError("there is nothing to remove: name files or folders, or give --missing")
    opened, progress = pimmi.open(study), Progress(quiet=quiet)
    with full_disk_named(study):
        removed = opened.remove(paths or (), missing=missing)
        if not quiet:
            print(f"{_counted(removed, 'file')} removed")
        _group(opened, algorithm, resolution, progress, quiet=quiet)


def _group(
    opened: Study, algorithm: str | None, resolution: float | None, progress: Progress, *, quiet: bool
) -> None:
    """Group a study that isn't up to date, if all its images are compared, and print the summary."""
    from pimmi.cli.report import print_summary

    found = opened.status()
    if not found.matched:
        if not quiet:
            folder = quote(str(opened.path))
            print(f"Next: {program()} match {folder}, then {program()} group {folder}")
        return
    if found.grouped != "yes" or algorithm is not None or resolution is not None:
        opened.group(algorithm=algorithm, resolution=resolution, progress=progress)
    if not quiet:
        print_summary(opened)


def compact(study: StudyFolder, /, *, quiet: Quiet = False) -> None:
    """Free the disk space of images that no file holds any more, and join small shards.

    Nothing is matched again, and no table changes. Stopped at any moment, the
    study is as good as before.

    For example:

        pimmi compact study/
    """
    import pimmi
    from pimmi.progress import Progress

    with full_disk_named(study):
        done = pimmi.open(study).compact(progress=Progress(quiet=quiet))
    if not quiet:
        print(
            f"{_counted(done.dropped, 'image')} dropped; {_counted(done.shards_before, 'shard')} before, "
            f"{done.shards:,} now; {size_of(done.bytes_freed)} freed"
        )


def merge(
    study: StudyFolder,
    others: Annotated[
        list[Path], Parameter(required=True, help="The studies to bring into it, which do not change.")
    ],
    /,
    *,
    workers: Workers = None,
    dask: Dask = None,
    algorithm: Algorithm = None,
    resolution: Resolution = None,
    quiet: Quiet = False,
) -> None:
    """Join studies that were made apart into one, without reading an image again.

    What the others hold comes into STUDY; then only images of different studies
    are compared, and all are grouped. The result is the same as if all images
    had been added to one study. All must have been made with the same settings.
    If a path means one image in one of them and another in another, nothing is
    merged. What was decided on the pages of the others comes along; where STUDY
    says otherwise, that holds.

    For example:

        pimmi merge study/ study-of-may/ study-of-june/
    """
    import pimmi
    from pimmi.progress import Progress

    opened, progress = pimmi.open(study), Progress(quiet=quiet)
    with full_disk_named(study):
        came = opened.merge(*others, progress=progress)
        if not quiet:
            print(f"{_counted(came.files, 'file')} and {_counted(came.decisions, 'decision')} merged")
        with crew_of(opened, dask, workers, progress) as crew:
            opened.match(workers=crew, progress=progress)
        _group(opened, algorithm, resolution, progress, quiet=quiet)


def share(
    study: Path, other: Path, output: Path, *, workers: int | None, dask: str | None, quiet: bool
) -> None:
    """Write the table of what two studies share."""
    import pimmi
    from pimmi.outputs.export import check_writable, write_table
    from pimmi.progress import Progress

    check_writable(output)
    opened, progress = pimmi.open(study), Progress(quiet=quiet)
    with crew_of(opened, dask, workers, progress) as crew:
        table = opened.shared_with(other, workers=crew, progress=progress)
    write_table(table, output)
    if not quiet:
        print(f"{_counted(len(table), 'link')} between {study} and {other}")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
