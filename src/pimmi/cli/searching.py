"""The command that looks images up in a study."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from pimmi.cli.options import AsJson, StudyFolder
from pimmi.errors import PimmiError, UnreadableImage


def search(
    study: StudyFolder,
    images: Annotated[list[Path], Parameter(required=True, help="The images to look for.")],
    /,
    *,
    limit: Annotated[int, Parameter(validator=Number(gte=1), help="Copies to show for each, at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Find the copies of one or more images in a study, the surest first.

    The study doesn't change. With --json: a list with, for each image, its path
    and its hits; their fields are explained by pimmi export --help, but that
    transform holds a11, a12, tx, a21, a22 and ty.

    For example:

        pimmi search study/ one.jpg
        pimmi search study/ one.jpg two.jpg --limit 5 --json
    """
    from pimmi.workers.one_thread import ONE_THREAD

    for variable, value in ONE_THREAD.items():
        os.environ.setdefault(variable, value)

    import pimmi
    from pimmi.cli.quick_numba import quick_numba
    from pimmi.cli.report import hits_as_json, print_hits

    opened = pimmi.open(study)
    found = []
    for image in images:
        try:
            with quick_numba():
                hits = opened.search(image, limit=limit)
        except UnreadableImage as error:
            print(f"pimmi: {image}: {error}", file=sys.stderr)
            continue
        found.append((image, hits))
        if not as_json:
            print_hits(image, hits)
    if as_json:
        print(hits_as_json(found))
    if len(found) < len(images):
        raise PimmiError(f"{len(images) - len(found)} of {len(images)} images could not be read")
