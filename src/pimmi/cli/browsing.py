"""The command that opens the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from pimmi.cli.options import StudyFolder
from pimmi.errors import PimmiError

UI_PACKAGES = ("fastapi", "uvicorn", "multipart")


def ui(
    study: StudyFolder,
    /,
    *,
    metadata: Annotated[
        Path | None, Parameter(help="Your own table, a CSV with a row for each post and a column of paths.")
    ] = None,
    path_column: Annotated[
        str | None, Parameter(help="Its column of paths of images. Default: path, image, file, …")
    ] = None,
    date_column: Annotated[
        str | None, Parameter(help="Its column of dates. Default: date, created_at, …, if there is one.")
    ] = None,
    images: Annotated[
        Path | None,
        Parameter(help="The folder of images, if it isn't where it was when they were added."),
    ] = None,
    host: Annotated[
        str, Parameter(help="The address to serve on; one that other machines reach needs a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, Parameter(validator=Number(gte=0, lte=65535), help="If it is in use, the next free one.")
    ] = 8420,
    browser: Annotated[bool, Parameter(help="Open the pages in a browser.")] = True,
) -> None:
    """Look at the clusters of a study in a browser, check links, correct them, take results away.

    The pages run on this machine and need no network. What is decided on them is
    kept in decisions.sqlite in the study, and holds for every later grouping.

    For example:

        pimmi ui study/
        pimmi ui study/ --metadata posts.csv --path-column image
    """
    _check_installed()
    import pimmi
    from pimmi.web.serving import serve

    opened = pimmi.open(study)
    serve(
        study,
        settings=opened.settings,
        host=host,
        port=port,
        metadata=metadata,
        path_column=path_column,
        date_column=date_column,
        originals=images,
        browse=browser,
    )


def _check_installed() -> None:
    from importlib.util import find_spec

    missing = [name for name in UI_PACKAGES if find_spec(name) is None]
    if missing:
        raise PimmiError(
            f'the pages need {", ".join(missing)}: pip install "pimmi[ui]" brings what is missing'
        )
