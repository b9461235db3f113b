"""What pimmi costs and finds as the corpus grows.

    python benchmarks/scale.py --pool DIR [DIR ...] --originals DIR --sizes 5000 20000 50000 --out OUT

makes the corpora OUT/5000, OUT/20000 and OUT/50000, measures a study of each, stage by stage, and prints a table. All
have the same originals and copies; what grows is the number of other pictures. The figures of each are kept in
OUT/5000.json and so on: what is there isn't measured again, but with --again. --also measures other corpora as well,
such as those of make_floods.py; --corpora-only makes the corpora and stops.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pimmi.errors import PimmiError
from process_cost import CommandFailedError, Cost
from scale_corpus import drawn_originals, make_scale_corpus, told
from scale_measure import Measured, Quality, figures, measure_corpus, table
from scale_pool import find_pictures


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What pimmi costs and finds as the corpus grows.")
    parser.add_argument("--originals", type=Path, required=True, help="folder of pictures to make copies of")
    parser.add_argument("--sizes", type=int, nargs="+", default=[5000, 20_000, 50_000])
    parser.add_argument("--n-originals", type=int, default=60)
    add_pool_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the corpora and of the figures")
    parser.add_argument(
        "--also", type=Path, nargs="+", default=[], metavar="CORPUS", help="other corpora to measure"
    )
    parser.add_argument("--corpora-only", action="store_true", help="make the corpora and stop")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--keep-studies", action="store_true", help="as OUT/SIZE/study")
    parser.add_argument("--again", action="store_true", help="measure again what was measured")
    return parser.parse_args()


def add_pool_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which pictures to take."""
    parser.add_argument("--pool", type=Path, nargs="+", required=True, help="folders of other pictures")
    parser.add_argument(
        "--leave-out",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="pictures not to use, as in 'photos/*/faces/*': paths start with the name of their pool's folder",
    )
    parser.add_argument(
        "--variants",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="pictures that are variants of one if the first word of their file names is the same",
    )
    parser.add_argument("--seed", type=int, default=0)


def make_corpora(arguments: argparse.Namespace) -> None:
    """Make the corpora that aren't there; one that was stopped half way is made again."""
    missing = [size for size in arguments.sizes if not (arguments.out / f"{size}" / "sources.csv").exists()]
    if not missing:
        return
    originals = drawn_originals(arguments.originals, count=arguments.n_originals, seed=arguments.seed)
    pictures = find_pictures(
        arguments.pool,
        known=arguments.out / "pool.csv",
        apart_from=[arguments.originals],
        left_out=arguments.leave_out,
        variants=arguments.variants,
    )
    for size in missing:
        directory = arguments.out / f"{size}"
        if directory.exists():
            shutil.rmtree(directory)
        counts = make_scale_corpus(
            directory, size=size, originals=originals, pictures=pictures, seed=arguments.seed
        )
        print(f"{directory}: {len(originals)} originals and their copies, {counts.total()} distractors")
        print(*told(counts), sep="\n", flush=True)


def measured(corpus: Path, arguments: argparse.Namespace) -> Measured:
    """The figures of a corpus, from its JSON file if there is one."""
    kept = arguments.out / f"{corpus.absolute().name}.json"
    if kept.exists() and not arguments.again:
        return read_measured(kept)
    study = corpus / "study"
    if study.exists():
        shutil.rmtree(study)
    found = measure_corpus(corpus, study=study, workers=arguments.workers, preset=arguments.preset)
    kept.write_text(
        json.dumps({**asdict(found), "figures": figures(found)}, indent=2) + "\n", encoding="utf-8"
    )
    if not arguments.keep_studies:
        shutil.rmtree(study)
    return found


def read_measured(path: Path) -> Measured:
    """What a run wrote into a JSON file.

    Raises:
        PimmiError: if the file holds something else.
    """
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        fields.pop("figures")
        stages = {stage: Cost(**cost) for stage, cost in fields.pop("stages").items()}
        return Measured(stages=stages, quality=Quality(**fields.pop("quality")), **fields)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PimmiError(
            f"{path} holds no figures of this version of the benchmark: remove it, or give --again."
        ) from error


def corpora(arguments: argparse.Namespace) -> Sequence[Path]:
    """Those of the sizes, the smallest first, then the others."""
    return [*(arguments.out / f"{size}" for size in sorted(arguments.sizes)), *arguments.also]


def main() -> None:
    arguments = parse_arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        make_corpora(arguments)
        if arguments.corpora_only:
            return
        results = [measured(corpus, arguments) for corpus in corpora(arguments)]
    except (PimmiError, CommandFailedError) as error:
        sys.exit(str(error))
    print(*table(results), sep="\n")


if __name__ == "__main__":
    main()
