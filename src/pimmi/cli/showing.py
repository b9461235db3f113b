"""Commands that show: the settings, how good a study is, and a demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pimmi.cli.options import AsJson, Preset, Quiet, RunOptions, StudyFolder, Workers
from pimmi.errors import PimmiError
from pimmi.outputs.disk import full_disk_named


def settings(
    *,
    preset: Annotated[Preset, Parameter(help="Which values to start from.")] = "balanced",
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="The file to write. Default: print.")
    ] = None,
) -> None:
    """Print every setting with its unit, default and reason, or write them to a file.

    The file is what run reads with --settings; change what you want to change in
    it, and leave out what you like.

    For example:

        pimmi settings -o my.toml
        pimmi run images/ study/ --settings my.toml
    """
    from pimmi.outputs.disk import why_not_written
    from pimmi.settings import Settings

    text = Settings.preset(preset).to_toml()
    if output is None:
        print(text)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise PimmiError(f"{output} exists: give another name, or remove it first") from None
    except OSError as error:
        raise PimmiError(why_not_written(output, error)) from error


def evaluate(
    truth: Annotated[
        Path,
        Parameter(help="A CSV with the columns path, origins, attack and kind."),
    ],
    study: StudyFolder,
    /,
    *,
    copies_only: Annotated[
        bool, Parameter(help="Measure the links of type copy alone, without the common ones.", negative=())
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure a study against known copies.

    The truth has a row for each image: its file's name (path), the originals that
    it shows (origins, their ids with ; between), the name of what was done to it
    (attack), and whether it is an original, a copy or a distractor (kind).

    For example:

        pimmi eval truth.csv study/
    """
    import pimmi
    from pimmi.cli.report import evaluation_as_json, evaluation_of, print_evaluation

    found = evaluation_of(truth, pimmi.open(study), copies_only=copies_only)
    if as_json:
        print(evaluation_as_json(found))
    else:
        print_evaluation(found)


def demo(
    *,
    keep: Annotated[
        Path | None,
        Parameter(help="A folder to keep the images and the study in. Default: both are thrown away."),
    ] = None,
    workers: Workers = None,
    quiet: Quiet = False,
) -> None:
    """Make a small corpus with known copies, find them, and say how many were found.

    The pictures are those inside the packages scikit-image, scikit-learn and
    matplotlib, so nothing is downloaded; pip install "pimmi[demo]" brings them.

    For example:

        pimmi demo
        pimmi demo --keep demo/
    """
    from tempfile import TemporaryDirectory

    options = RunOptions(workers=workers, quiet=quiet)
    if keep is not None:
        _demonstrate(keep, options)
        return
    with TemporaryDirectory(prefix="pimmi-demo-") as folder:
        _demonstrate(Path(folder), options)


def _demonstrate(folder: Path, options: RunOptions) -> None:
    import pimmi
    from pimmi.cli.report import evaluation_of, print_evaluation
    from pimmi.cli.studying import bring_up_to_date
    from pimmi.demo.corpus import make_demo_corpus

    truth, study = folder / "truth.csv", folder / "study"
    with full_disk_named(folder):
        if not truth.exists():
            make_demo_corpus(folder)
    bring_up_to_date(folder / "images", study, create=True, options=options)
    if not options.quiet:
        print()
        print_evaluation(evaluation_of(truth, pimmi.open(study)))
