"""One stage of a study in a process of its own, so that it can be measured apart.

python benchmarks/scale_stage.py {read,match,group} STUDY [--images IMAGES] [--workers 2] [--preset balanced]
"""

import argparse
import sys
from pathlib import Path

import pimmi
from pimmi.errors import PimmiError
from pimmi.settings import Settings


def run_stage(stage: str, study: Path, *, images: Path | None, workers: int, preset: str) -> None:
    """Bring a study up to date as far as one stage goes; reading makes it."""
    if stage == "read":
        if images is None:
            raise PimmiError("Reading needs a folder of images: name it with --images.")
        pimmi.open(study, create=True, settings=Settings.preset(preset)).add(images, workers=workers)
    elif stage == "match":
        pimmi.open(study).match(workers=workers)
    else:
        pimmi.open(study).group()


def main() -> None:
    parser = argparse.ArgumentParser(description="One stage of a study.")
    parser.add_argument("stage", choices=("read", "match", "group"))
    parser.add_argument("study", type=Path)
    parser.add_argument("--images", type=Path, help="folder of images to read")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--preset", default="balanced")
    arguments = parser.parse_args()
    try:
        run_stage(
            arguments.stage,
            arguments.study,
            images=arguments.images,
            workers=arguments.workers,
            preset=arguments.preset,
        )
    except PimmiError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
