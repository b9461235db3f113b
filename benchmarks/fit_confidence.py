"""Fit the weights by which pimmi.matching.confidence judges a link, on corpora with known copies.

    python benchmarks/fit_confidence.py TRAIN [TRAIN ...] --surfaces SURFACES --check CORPUS

TRAIN and CORPUS are folders made by make_corpus.py, SURFACES one made by make_hard.py surfaces. Prints the weights to
paste, then what links of CORPUS are worth from each minimum confidence on.

Learnt from are the candidate pairs whose truth is certain. Copies: an original and a picture made of it. Others: two
pictures of which one or both are distractors; and two originals, or copies of two, unless one shows what pictures can
share without being copies (lettering, emoji, an app's frame, another picture). Left out, as likely copies that the
corpus doesn't know of, are pairs with a distractor whose pixels agree in most places. But those are just what is learnt
from SURFACES, whose patterns repeat and where no two pictures are copies; pairs that agree on a frame alone are left to
grouping, which sees that many pictures have it.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from candidate_pairs import find_pairs
from pimmi.demo.families import FAMILIES
from pimmi.errors import PimmiError
from pimmi.evaluation import TrueImage, Truth, evaluate
from pimmi.matching.confidence import MEASURES, measures
from pimmi.matching.match import compile_all
from pimmi.settings import Settings

COPY_CORRELATION = 0.6
COPY_AGREEMENT = 0.9
PATTERN_AGREEMENT = 0.7
ADDING = {"text_over", "emoji_two", "meme_caption", "screenshot", "border", "chain_3", "chain_5"} | {
    family.name for family in FAMILIES if family.is_composite
}
"""Families whose copies show something that isn't of the original."""
MINIMUMS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)

Floats = NDArray[np.float64]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidate pairs of a corpus, by file name; `values` float64 (m, measures), in the order of MEASURES."""

    truth: Truth
    pairs: list[Pair]
    values: Floats

    def column(self, name: str) -> Floats:
        """One of MEASURES, float64 (m,)."""
        return self.values[:, MEASURES.index(name)]


def candidates(corpus: Path, *, settings: Settings) -> Candidates:
    """The candidate pairs among the images of a corpus."""
    pairs = find_pairs(corpus, settings=settings)
    values = measures(pairs.links, pairs.pixels, pairs.areas)
    return Candidates(pairs.truth, pairs.by_name(np.arange(len(pairs))), values)


def is_copy(one: TrueImage, other: TrueImage) -> bool | None:
    """Whether a pair shows a copy; None where that isn't certain enough to learn from."""
    kinds = {one.kind, other.kind}
    if one.origins & other.origins:
        return True if kinds == {"original", "copy"} else None
    if "distractor" in kinds:
        return None if "copy" in kinds else False
    return None if {one.attack, other.attack} & ADDING or one.is_composite or other.is_composite else False


def examples(found: Candidates) -> tuple[Floats, NDArray[np.bool_]]:
    """MEASURES, float64 (n, measures), of the pairs to learn from, and whether each shows a copy."""
    images = [(found.truth[query], found.truth[result]) for query, result in found.pairs]
    labels = [is_copy(one, other) for one, other in images]
    alike = (found.column("correlation") > COPY_CORRELATION) & (found.column("agreement") > COPY_AGREEMENT)
    suspect = alike & np.array(["distractor" in (one.kind, other.kind) for one, other in images], bool)
    kept = np.array([label is not None for label in labels], bool)
    copies = np.array([label is True for label in labels], bool)
    print(
        f"{(kept & copies).sum()} copies, {(kept & ~copies & ~suspect).sum()} others; {(kept & suspect).sum()} pairs "
        "with a distractor are left out as likely copies",
        file=sys.stderr,
    )
    kept &= ~suspect
    return found.values[kept], copies[kept]


def patterns(found: Candidates) -> tuple[Floats, NDArray[np.bool_]]:
    """The same, of pictures without a copy: the pairs that agree in most places."""
    values = found.values[found.column("agreement") > PATTERN_AGREEMENT]
    print(f"{len(values)} pairs with a pattern that repeats", file=sys.stderr)
    return values, np.zeros(len(values), bool)


def fit(values: Floats, copies: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Weights float64 (measures,) and bias of a logistic regression, rounded as they are pasted."""
    if copies.all() or not copies.any():
        raise PimmiError("The corpora must give candidate pairs that are copies, and some that are not.")
    scaler = StandardScaler().fit(values)
    model = LogisticRegression(max_iter=5000).fit(scaler.transform(values), copies)
    weights = model.coef_[0] / scaler.scale_
    bias = model.intercept_[0] - (weights * scaler.mean_).sum()
    return np.round(weights, 3), round(float(bias), 3)


def to_paste(weights: Floats, bias: float) -> Iterator[str]:
    """The lines of pimmi.matching.confidence that hold the weights."""
    yield "MEASURES_AND_WEIGHTS = ("
    for name, weight in zip(MEASURES, weights, strict=True):
        yield f'    ("{name}", {weight:.3f}),'
    yield ")"
    yield f"BIAS = {bias:.3f}"


def table(found: Candidates, *, weights: Floats, bias: float) -> Iterator[str]:
    """A line for each minimum confidence."""
    sure = 1 / (1 + np.exp(-(found.values @ weights + bias)))
    distractors = sum(image.kind == "distractor" for image in found.truth.values())
    yield "minimum confidence    links  edge precision  mean recall  distractor links per 1,000"
    for minimum in MINIMUMS:
        links = [found.pairs[place] for place in np.flatnonzero(sure >= minimum)]
        result = evaluate(found.truth, links, {})
        per_1000 = 1000 * result.number_of_distractor_links / max(1, distractors)
        yield (
            f"{minimum:18.2f}{result.edges:9d}{result.edge_precision:16.4f}{result.mean_recall:13.4f}{per_1000:28.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the weights of pimmi.matching.confidence.")
    parser.add_argument(
        "corpora", nargs="+", type=Path, metavar="TRAIN", help="folders made by make_corpus.py"
    )
    parser.add_argument("--surfaces", type=Path, help="folder made by make_hard.py surfaces")
    parser.add_argument("--check", type=Path, metavar="CORPUS", help="another one, to judge the weights by")
    parser.add_argument("--preset", default="balanced")
    arguments = parser.parse_args()
    try:
        settings = Settings.preset(arguments.preset)
        compile_all()
        parts = [examples(candidates(corpus, settings=settings)) for corpus in arguments.corpora]
        if arguments.surfaces:
            parts.append(patterns(candidates(arguments.surfaces, settings=settings)))
        weights, bias = fit(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
        print(*to_paste(weights, bias), sep="\n")
        if arguments.check:
            found = candidates(arguments.check, settings=settings)
            print(*table(found, weights=weights, bias=bias), sep="\n")
    except PimmiError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
