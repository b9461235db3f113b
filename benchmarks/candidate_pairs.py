"""The candidate pairs of a corpus with known copies, without a study: all that points put together, sure or not."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pimmi.errors import PimmiError
from pimmi.evaluation import Truth, read_truth
from pimmi.grouping.evidence import Evidence
from pimmi.images.walk import walk
from pimmi.index.codebook import load_codebook
from pimmi.matching.blocks import PARTS
from pimmi.matching.confidence import confidence
from pimmi.matching.match import CERTAIN_SCORE, FEWEST_WINDOWS, find_candidates
from pimmi.pipeline.comparing import image_block
from pimmi.pipeline.crew import local_pool
from pimmi.pipeline.reading import ReadResult, ReadTask, read_images
from pimmi.settings import MatchingSettings, Settings
from pimmi.study.shards import Shard, joined, taken
from pimmi.workers.cores import default_workers
from pimmi.workers.outcome import Done

TASK_FILES = 64
BLOCK_IMAGES = 2000

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Masks = NDArray[np.uint64]


@dataclass(frozen=True)
class Pairs:
    """The candidate pairs of a corpus; n images, numbered by their ids, and m pairs of them.

    `names` are the n file names; `rows` int64 (m, 2), numbers of the images; `links`, `pixels`, `parts` and `areas` as
    in `pimmi.matching.match.Candidates`.
    """

    truth: Truth
    names: list[str]
    rows: Ints
    links: Floats
    pixels: Floats
    parts: Masks
    areas: Floats

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def confidence(self) -> Floats:
        """float64 (m,), 0 to 1."""
        return confidence(self.links, self.pixels, self.areas)

    def by_name(self, places: Ints) -> list[tuple[str, str]]:
        """The file names of some pairs."""
        return [(self.names[query], self.names[result]) for query, result in self.rows[places].tolist()]

    def evidence(self, settings: MatchingSettings) -> Evidence:
        """What grouping gets: the pairs that are stored as links, or that certainly share something."""
        certain = (self.links[:, 3] >= CERTAIN_SCORE) & (self.pixels[:, 0] >= FEWEST_WINDOWS)
        kept = np.flatnonzero((self.confidence >= settings.stored_confidence) | certain)
        compared = np.maximum(self.pixels[kept, 3], 1)
        queries, results = self.rows[kept].T.copy()
        parts = dict(zip(PARTS, self.parts[kept].T.copy(), strict=True))
        return Evidence(
            images=len(self.names),
            queries=queries,
            results=results,
            agreement=self.pixels[kept, 0] / compared,
            conflict=self.pixels[kept, 1] / compared,
            confidence=self.confidence[kept],
            weak=self.confidence[kept] < settings.confidence_among(len(self.names)),
            near=np.zeros(len(kept), bool),
            **parts,
        )


def find_pairs(corpus: Path, *, settings: Settings) -> Pairs:
    """The candidate pairs among the images of a corpus that its truth knows, compared block by block."""
    truth = read_truth(corpus / "truth.csv")
    shard, names = _read(corpus / "images", settings=settings)
    shard = taken(shard, np.array([row for row, name in enumerate(names) if name in truth], np.int64))
    starts = range(0, len(shard), BLOCK_IMAGES)
    blocks = [
        image_block(
            taken(shard, np.arange(start, min(start + BLOCK_IMAGES, len(shard)))), settings=settings.matching
        )
        for start in starts
    ]
    found, rows = [], []
    for one, other in combinations_with_replacement(range(len(blocks)), 2):
        second = None if one == other else blocks[other]
        numbers = np.arange(len(blocks[one])) + starts[one]
        if second is not None:
            numbers = np.concatenate([numbers, np.arange(len(second)) + starts[other]])
        for part in find_candidates(
            blocks[one],
            second,
            settings=settings.matching,
            codebook=load_codebook(),
        ):
            found.append(part)
            rows.append(numbers[part.rows])
    return Pairs(
        truth,
        [name for name in names if name in truth],
        np.concatenate(rows),
        *(
            np.concatenate([getattr(part, field) for part in found])
            for field in ("links", "pixels", "parts", "areas")
        ),
    )


def _read(images: Path, *, settings: Settings) -> tuple[Shard, list[str]]:
    """All readable images of a folder, sorted by id, and the file name of each."""
    files = walk(images).files
    tasks = [
        ReadTask(images, tuple(files[start : start + TASK_FILES]), frozenset(), settings)
        for start in range(0, len(files), TASK_FILES)
    ]
    results: dict[int, ReadResult] = {}
    with local_pool(max(1, default_workers() // 2)) as pool:
        for outcome in pool.map_unordered(read_images, tasks):
            if not isinstance(outcome, Done):
                raise PimmiError(f"Some images of {images} can't be read: {outcome}.")
            results[outcome.index] = outcome.result
    shards = [result.shard for _, result in sorted(results.items()) if result.shard is not None]
    if not shards:
        raise PimmiError(f"{images} holds no image that can be read.")
    names = {
        file.image_id: Path(file.file.path).name
        for _, result in sorted(results.items())
        for file in result.files
        if file.image_id is not None
    }
    shard = joined(shards)
    return shard, [names[image_id] for image_id in shard.ids]
