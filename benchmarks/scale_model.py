"""A model of what any number of images costs, fitted to the figures of scale.py.

    python benchmarks/scale_model.py OUT/*.json --cores 2

For n images with L stored links, seconds of processor and bytes are sums of terms:

    reading     o + r n
    matching    b n²/2 + c L            b n²/2: every image is compared with every other
    grouping    o + h L
    disk        s n + l L

Each coefficient is fitted by least squares of the relative errors, and none is negative. No cost has more terms than
three corpora can tell apart. Corpora with floods (make_floods.py) tell what a link costs. The projection takes as many
links an image as the largest corpus has, or --links-an-image; how busy the cores are is told by the largest corpus as
well.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pimmi.errors import PimmiError
from scale import read_measured
from scale_measure import STAGES, Measured

PROJECTED = (1_000_000, 10_000_000, 100_000_000)
TERMS: Mapping[str, Sequence[str]] = {
    "read": ("once", "images"),
    "match": ("pairs", "links"),
    "group": ("once", "links"),
    "disk": ("images", "links"),
}
LARGEST_ERROR = 0.15

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One corpus: images, stored links, seconds of processor of each stage, bytes, seconds by the clock."""

    images: int
    links: int
    cpu_s: Mapping[str, float]
    disk_bytes: float
    wall_s: float
    workers: int


@dataclass(frozen=True, kw_only=True)
class Model:
    """`coefficients` of each of TERMS, in seconds or bytes for one image, pair or link.

    `corpora` is how many the coefficients were fitted to. `errors` is the largest relative error of each cost on what
    it was fitted to. `links_an_image` and `busy`, the share of the workers' time in which they work, are those of the
    largest corpus.
    """

    coefficients: Mapping[str, Mapping[str, float]]
    corpora: int
    errors: Mapping[str, float]
    links_an_image: float
    busy: float

    def terms(self, cost: str, *, images: float, links: float) -> dict[str, float]:
        """Seconds of processor of a stage, or bytes of the disk, term by term."""
        amounts = amounts_of(images=images, links=links)
        return {name: value * amounts[name] for name, value in self.coefficients[cost].items()}


def amounts_of(*, images: float, links: float) -> dict[str, float]:
    """How many images, pairs of images and links there are, and 1 for what is done once."""
    return {"once": 1.0, "images": images, "pairs": images * images / 2, "links": links}


def fit_model(observations: Sequence[Observation]) -> Model:
    """Fit all coefficients.

    Raises:
        PimmiError: if there are fewer than two sizes.
    """
    if len({seen.images for seen in observations}) < 2:
        raise PimmiError("A model needs the figures of corpora of two sizes or more: give more files.")
    coefficients, errors = {}, {}
    for cost, names in TERMS.items():
        amounts = [amounts_of(images=seen.images, links=seen.links) for seen in observations]
        rows = np.array([[amount[name] for name in names] for amount in amounts], float)
        costs = np.array(
            [seen.disk_bytes if cost == "disk" else seen.cpu_s[cost] for seen in observations], float
        )
        values = fit_positive(rows, costs)
        coefficients[cost] = dict(zip(names, values.tolist(), strict=True))
        errors[cost] = float(np.abs(rows @ values / costs - 1).max())
    largest = max(observations, key=lambda seen: seen.images)
    return Model(
        coefficients=coefficients,
        corpora=len(observations),
        errors=errors,
        links_an_image=largest.links / largest.images,
        busy=min(1.0, sum(largest.cpu_s.values()) / (largest.wall_s * largest.workers)),
    )


def fit_positive(rows: Floats, costs: Floats) -> Floats:
    """Coefficients, none negative, of the least sum of squared relative errors.

    `rows` float64 (m, k), `costs` float64 (m,). The best of the least squares on each set of columns: there are
    few. Of a set with more columns than rows nothing can be told, so such sets are passed over.
    """
    weighted, size = rows / costs[:, None], rows.shape[1]
    scales = np.maximum(np.abs(weighted).max(axis=0), np.finfo(float).tiny)
    best, least = np.zeros(size), np.inf
    for count in range(1, min(size, len(rows)) + 1):
        for columns in combinations(range(size), count):
            chosen = list(columns)
            found, _, rank, _ = np.linalg.lstsq(weighted[:, chosen] / scales[chosen], np.ones(len(rows)))
            error = float(np.square(weighted[:, chosen] / scales[chosen] @ found - 1).sum())
            if rank == count and (found >= 0).all() and error < least - 1e-12:
                best, least = np.zeros(size), error
                best[chosen] = found / scales[chosen]
    return best


def observed(found: Measured) -> Observation:
    """What the model needs of the figures of a corpus."""
    return Observation(
        images=found.images,
        links=found.links_stored,
        cpu_s={stage: found.stages[stage].cpu_s for stage in STAGES},
        disk_bytes=sum(found.bytes.values()),
        wall_s=sum(cost.wall_s for cost in found.stages.values()),
        workers=found.workers,
    )


def projection(model: Model, *, cores: int, links_an_image: float) -> Iterator[str]:
    """The coefficients and the projected costs, as lines to print."""
    units = {"once": "once", "images": "an image", "pairs": "a pair of images", "links": "a link"}
    for cost, values in model.coefficients.items():
        unit, factor = ("bytes", 1.0) if cost == "disk" else ("µs", 1e6)
        told = ", ".join(f"{factor * value:.4g} {unit} {units[name]}" for name, value in values.items())
        doubt = "; fits badly" if model.errors[cost] > LARGEST_ERROR else ""
        if model.corpora <= len(values):
            doubt += f"; {len(values)} terms fitted to {model.corpora} corpora: add more, or floods"
        yield f"{cost:8s}{told} (largest error {model.errors[cost]:.1%}{doubt})"
    yield f"{links_an_image:.4g} links an image; {cores} cores, busy {model.busy:.0%} of the time"
    yield ""
    yield f"{'images':>12s}{'CPU, ms an image':>18s}{'days':>12s}{'disk, GB':>12s}  largest terms"
    for images in PROJECTED:
        links = images * links_an_image
        terms = {
            f"{stage}, {name}": seconds
            for stage in STAGES
            for name, seconds in model.terms(stage, images=images, links=links).items()
        }
        cpu_s = sum(terms.values())
        disk = model.terms("disk", images=images, links=links)
        days = cpu_s / cores / model.busy / 86_400
        yield (
            f"{images:12d}{1000 * cpu_s / images:18.4g}{days:12.4g}{sum(disk.values()) / 1e9:12.4g}"
            f"  CPU: {_largest(terms)}; disk: {_largest(disk)}"
        )


def _largest(terms: Mapping[str, float]) -> str:
    name = max(terms, key=terms.__getitem__)
    return f"{name} ({terms[name] / max(sum(terms.values()), sys.float_info.min):.0%})"


def main() -> None:
    parser = argparse.ArgumentParser(description="What any number of images would cost.")
    parser.add_argument("figures", type=Path, nargs="+", help="JSON files that scale.py wrote")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--links-an-image", type=float, help="default: as in the largest corpus")
    arguments = parser.parse_args()
    try:
        model = fit_model([observed(read_measured(path)) for path in arguments.figures])
    except PimmiError as error:
        sys.exit(str(error))
    links = model.links_an_image if arguments.links_an_image is None else arguments.links_an_image
    print(*projection(model, cores=arguments.cores, links_an_image=links), sep="\n")


if __name__ == "__main__":
    main()
