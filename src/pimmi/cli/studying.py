"""Commands that make a study: run, add, match, group."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pimmi.cli.options import (
    Algorithm,
    Dask,
    Images,
    MinimumConfidence,
    Quiet,
    Resolution,
    RunOptions,
    StudyFolder,
    Workers,
)
from pimmi.errors import PimmiError
from pimmi.outputs.disk import full_disk_named

if TYPE_CHECKING:
    from pimmi import Study
    from pimmi.progress import Progress
    from pimmi.workers.outcome import Pool


def run(images: Images, study: StudyFolder, /, *, options: RunOptions | None = None) -> None:
    """Find and group the copies among the images of a folder.

    Reads the images, links those of which one shows a part of the other, and
    groups them. The study is made if it isn't there. Given again, the command
    goes on where it stopped, and reads only images that it hasn't seen.

    For example:

        pimmi run images/ study/
        pimmi run images/ study/ --preset thorough --workers 4
    """
    bring_up_to_date(images, study, create=True, options=options or RunOptions())


def add(images: Images, study: StudyFolder, /, *, options: RunOptions | None = None) -> None:
    """Add the images of a folder to a study that exists.

    The new images are linked with each other and with those of the study, and
    all are grouped again: the result is the same as if all had been there from
    the start.

    For example:

        pimmi add images-of-june/ study/
    """
    bring_up_to_date(images, study, create=False, options=options or RunOptions())


def match(
    study: StudyFolder,
    /,
    *,
    with_: Annotated[
        Path | None,
        Parameter(name="--with", help="Another study: find what the two share, and change neither."),
    ] = None,
    output: Annotated[
        Path | None,
        Parameter(name=["--output", "-o"], help="With --with: the file to write, .csv, .parquet or .json."),
    ] = None,
    workers: Workers = None,
    dask: Dask = None,
    quiet: Quiet = False,
) -> None:
    """Link the images of a study that aren't compared yet.

    With --with, write a table of what the images of two studies share instead:
    a row for an image of each, with the columns of pimmi export links but type,
    and query_id and result_id, their image_id. The query is of STUDY.

    For example:

        pimmi match study/
        pimmi match study/ --with other-study/ -o shared.csv
    """
    if with_ is not None or output is not None:
        if with_ is None or output is None:
            raise PimmiError("--with and --output go together: give the other study, and the file to write")
        from pimmi.cli.growing import share

        share(study, with_, output, workers=workers, dask=dask, quiet=quiet)
        return

    import pimmi
    from pimmi.progress import Progress

    opened, progress = pimmi.open(study), Progress(quiet=quiet)
    with full_disk_named(study), crew_of(opened, dask, workers, progress) as crew:
        opened.match(workers=crew, progress=progress)


def group(
    study: StudyFolder,
    /,
    *,
    algorithm: Algorithm = None,
    resolution: Resolution = None,
    minimum_confidence: MinimumConfidence = None,
    quiet: Quiet = False,
) -> None:
    """Group the linked images of a study again, in another way.

    For example:

        pimmi group study/ --algorithm leiden --resolution 0.1
    """
    import pimmi
    from pimmi.cli.report import print_summary
    from pimmi.progress import Progress

    with full_disk_named(study):
        opened = pimmi.open(study)
        if minimum_confidence is not None:
            opened.set_minimum_confidence(minimum_confidence)
        opened.group(algorithm=algorithm, resolution=resolution, progress=Progress(quiet=quiet))
    if not quiet:
        print_summary(opened)


def bring_up_to_date(images: Path, study: Path, *, create: bool, options: RunOptions) -> None:
    """Read what is new in `images`, match it, group all, and print the summary."""
    settings = options.chosen_settings()
    if not images.is_dir():
        raise PimmiError(f"{images} is not a folder: give the folder that holds the images")

    import pimmi
    from pimmi.cli.report import print_summary
    from pimmi.progress import Progress

    progress = Progress(quiet=options.quiet)
    with full_disk_named(study):
        opened = pimmi.open(study, create=create, settings=settings)
        with crew_of(opened, options.dask, options.workers, progress) as crew:
            added = opened.add(images, workers=crew, progress=progress)
            opened.match(workers=crew, progress=progress)
        opened.group(algorithm=options.algorithm, resolution=options.resolution, progress=progress)
    if not options.quiet:
        print_summary(opened, added=added)


@contextmanager
def crew_of(
    study: Study, dask: str | None, workers: int | None, progress: Progress
) -> Iterator[int | Pool | None]:
    """Who works: what `add` and `match` take as `workers`."""
    if dask is None:
        yield workers
    else:
        with study.dask(dask, workers=workers, progress=progress) as pool:
            yield pool
