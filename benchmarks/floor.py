"""The least that any search for copies with SIFT has to do: read each file, decode it, extract its keypoints.

    python benchmarks/floor.py IMAGES --workers 2 --preset balanced

JPEG files are decoded straight to grey at the smallest scale that covers the working size, others by Pillow.
SIFT runs with the settings of the preset: once, and again with the faint thresholds where it finds little.
Prints the wall clock and the processor's time of the workers; starting them is not counted, reading is.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

from pimmi.images.raster import long_side_of
from pimmi.settings import FeatureSettings, Settings

FILES_AT_A_TIME = 16


@dataclass(frozen=True, kw_only=True)
class Floor:
    """Seconds that the work took, and the files and keypoints it was done on."""

    wall_s: float
    cpu_s: float
    files: int
    unreadable: int
    keypoints: int


def read_grey(path: Path, *, working_size: int) -> npt.NDArray[np.uint8]:
    """The image in grey, as small as pimmi reads it."""
    data = path.read_bytes()
    if simplejpeg.is_jpeg(data):
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
        size = min(max(width, height), long_side_of(width=width, height=height, working_size=working_size))
        covering = {"min_width" if width >= height else "min_height": size}
        grey = np.asarray(simplejpeg.decode_jpeg(data, colorspace="GRAY", **covering)[..., 0])
    else:
        with Image.open(path) as picture:
            grey = np.asarray(picture.convert("L"))
    height, width = grey.shape
    factor = long_side_of(width=width, height=height, working_size=working_size) / max(height, width)
    if factor >= 1:
        return grey
    small = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(grey, small, interpolation=cv2.INTER_AREA), dtype=np.uint8)


@cache
def _sift(features: FeatureSettings, *, faint: bool) -> cv2.SIFT:
    cv2.setNumThreads(1)
    return cv2.SIFT.create(
        nfeatures=0,
        nOctaveLayers=features.octave_layers,
        contrastThreshold=features.faint_contrast_threshold if faint else features.contrast_threshold,
        edgeThreshold=features.faint_edge_threshold if faint else features.edge_threshold,
        sigma=features.sigma,
    )


def count_keypoints(paths: Sequence[Path], settings: Settings) -> list[int]:
    """Keypoints of each file; -1 for one that can't be read."""
    counts = []
    for path in paths:
        try:
            grey = read_grey(path, working_size=settings.images.working_size)
        except (OSError, ValueError):
            counts.append(-1)
            continue
        keypoints, _ = _sift(settings.features, faint=False).detectAndCompute(grey, None)
        if len(keypoints) < settings.features.few_keypoints:
            keypoints, _ = _sift(settings.features, faint=True).detectAndCompute(grey, None)
        counts.append(len(keypoints))
    return counts


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(paths: Sequence[Path], *, workers: int, settings: Settings) -> Floor:
    """Extract the keypoints of all files with that many processes."""
    batches = [paths[start : start + FILES_AT_A_TIME] for start in range(0, len(paths), FILES_AT_A_TIME)]
    before = _processor_s()
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        list(pool.map(count_keypoints, [()] * workers, [settings] * workers))
        started = time.perf_counter()
        results = list(pool.map(count_keypoints, batches, [settings] * len(batches)))
        wall_s = time.perf_counter() - started
    counts = [count for result in results for count in result]
    return Floor(
        wall_s=wall_s,
        cpu_s=_processor_s() - before,
        files=len(counts),
        unreadable=counts.count(-1),
        keypoints=sum(max(0, count) for count in counts),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of reading, decoding and SIFT alone.")
    parser.add_argument("images", type=Path, help="folder of images")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.images.rglob("*") if path.is_file())
    if not paths:
        sys.exit(f"There is no image in {arguments.images}.")
    floor = measure(paths, workers=arguments.workers, settings=Settings.preset(arguments.preset))
    if arguments.json:
        print(json.dumps(asdict(floor)))
        return
    print(f"{floor.files} files ({floor.unreadable} unreadable), {floor.keypoints} keypoints")
    each_ms = 1000 * floor.cpu_s / floor.files
    print(f"wall {floor.wall_s:.2f} s, CPU {floor.cpu_s:.2f} s, {each_ms:.2f} ms a file")


if __name__ == "__main__":
    main()
