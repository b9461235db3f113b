"""Make a corpus with known copies out of folders of pictures.

    python benchmarks/make_corpus.py --originals DIR --distractors DIR -o OUT

writes OUT/images and OUT/truth.csv. No picture in the folders may be a copy of another.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from pimmi.demo.writing import Source, file_source, write_corpus
from pimmi.errors import PimmiError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Make a corpus with known copies out of folders of pictures."
    )
    parser.add_argument("--originals", type=Path, required=True, help="folder of pictures to make copies of")
    parser.add_argument(
        "--distractors", type=Path, nargs="+", default=[], help="folders of pictures that have no copy"
    )
    parser.add_argument("--n-originals", type=int, default=60)
    parser.add_argument("--skip-originals", type=int, default=0, help="leave out the first ones of the draw")
    parser.add_argument(
        "--n-distractors", type=int, default=1000, help="unused originals serve when the folders hold too few"
    )
    parser.add_argument(
        "--copies", type=int, default=1, help="copies of each original for each family of change"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    return parser.parse_args()


def shuffled_files(folders: list[Path], *, seed: int) -> list[Source]:
    """The pictures of the folders in a random order that the seed and the names alone decide."""
    for folder in folders:
        if not folder.is_dir():
            raise PimmiError(f"There is no folder {folder}.")
    paths = sorted(path for folder in folders for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    return [file_source(paths[place]) for place in np.random.default_rng(seed).permutation(len(paths))]


def main() -> None:
    arguments = parse_arguments()
    drawn = shuffled_files([arguments.originals], seed=arguments.seed)
    first, last = arguments.skip_originals, arguments.skip_originals + arguments.n_originals
    originals, unused = drawn[first:last], drawn[:first] + drawn[last:]
    found = shuffled_files(arguments.distractors, seed=arguments.seed)
    distractors = (found + unused)[: arguments.n_distractors]
    truth = write_corpus(
        arguments.output,
        originals=originals,
        distractors=distractors,
        copies=arguments.copies,
        seed=arguments.seed,
    )
    from_originals = max(0, len(distractors) - len(found))
    print(f"{truth}: {len(originals)} originals and their copies, {len(distractors)} distractors")
    print(f"({from_originals} of the distractors are unused originals)")
    if len(distractors) < arguments.n_distractors:
        print(f"{arguments.n_distractors} distractors were asked for; the folders hold no more.")


if __name__ == "__main__":
    try:
        main()
    except PimmiError as error:
        sys.exit(str(error))
