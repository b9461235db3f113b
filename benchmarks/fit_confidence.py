"""Fit the weights by which pimmi.matching.confidence judges a link, on corpora with known copies.

    python benchmarks/fit_confidence.py TRAIN [TRAIN ...] --surfaces SURFACES --strangers MANY STUDY --check CORPUS

TRAIN and CORPUS are folders made by make_corpus.py, SURFACES one made by make_hard.py surfaces, MANY one of very many
pictures made by scale.py, and STUDY a study of its images. Prints the weights to paste, then what links of CORPUS are
worth from each minimum confidence on.

Learnt from are the candidate pairs whose truth is certain. Copies: an original and a picture made of it. Others: two
pictures of which one or both are distractors; and two originals, or copies of two, unless one shows what pictures can
share without being copies (lettering, emoji, an app's frame, another picture). Left out, as likely copies that the
corpus doesn't know of, are pairs with a distractor whose points and pixels agree in most places. But those are just
what is learnt from SURFACES, whose patterns repeat and where no two pictures are copies; pairs that agree on a frame
alone are left to grouping, which sees that many pictures have it.

Patterns are few, and each weighs more (PATTERN_WEIGHT). Among very many pictures those are found that look alike by
chance: two motorcycles before a white wall, two receipts. They are as many as there are pairs of images, so each weighs
less (STRANGER_WEIGHT), and the constant is that of a corpus of PRIOR_IMAGES.
"""

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import pimmi
from candidate_pairs import find_pairs
from pimmi.demo.families import FAMILIES
from pimmi.errors import PimmiError
from pimmi.evaluation import TrueImage, Truth, evaluate, read_truth
from pimmi.index.codebook import load_codebook
from pimmi.matching.confidence import MEASURES, confidence, measures
from pimmi.matching.match import compile_all, find_candidates
from pimmi.pipeline.comparing import image_block
from pimmi.settings import Settings
from pimmi.study.files import read_files
from pimmi.study.layout import StudyFolder
from pimmi.study.reading import values as column
from pimmi.study.shards import read_shard

COPY_CORRELATION = 0.6
COPY_AGREEMENT = 0.9
COPY_SCORE = 30.0
PATTERN_AGREEMENT = 0.7
ADDING = {"text_over", "emoji_two", "meme_caption", "screenshot", "border", "chain_3", "chain_5"} | {
    family.name for family in FAMILIES if family.is_composite
}
"""Families whose copies show something that isn't of the original."""
PATTERN_WEIGHT = 8.0
STRANGER_WEIGHT = 0.5
PRIOR_IMAGES = 4500
MINIMUMS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidate pairs of a corpus, by file name.

    `values` float64 (m, measures), in the order of MEASURES; `agreement` float64 (m,), share of the windows that agree
    or conflict which agree; `alike` bool (m,), the pairs whose points and pixels agree in most places; `possible` bool
    (m,), those that have a confidence at all.
    """

    truth: Truth
    pairs: list[Pair]
    values: Floats
    agreement: Floats
    alike: Flags
    possible: Flags

    @classmethod
    def of(
        cls, truth: Truth, pairs: list[Pair], *, links: Floats, pixels: Floats, areas: Floats
    ) -> "Candidates":
        agreement = pixels[:, 0] / np.maximum(pixels[:, 0] + pixels[:, 1], 1)
        similar = (pixels[:, 4] > COPY_CORRELATION) & (agreement > COPY_AGREEMENT)
        return cls(
            truth=truth,
            pairs=pairs,
            values=measures(links, pixels, areas),
            agreement=agreement,
            alike=similar & (links[:, 3] >= COPY_SCORE),
            possible=confidence(links, pixels, areas) > 0,
        )


def candidates(corpus: Path, *, settings: Settings) -> Candidates:
    """The candidate pairs among the images of a corpus."""
    pairs = find_pairs(corpus, settings=settings, thorough=True)
    names = pairs.by_name(np.arange(len(pairs)))
    return Candidates.of(pairs.truth, names, links=pairs.links, pixels=pairs.pixels, areas=pairs.areas)


def is_copy(one: TrueImage, other: TrueImage) -> bool | None:
    """Whether a pair shows a copy; None where that isn't certain enough to learn from."""
    kinds = {one.kind, other.kind}
    if one.origins & other.origins:
        return True if kinds == {"original", "copy"} else None
    if "distractor" in kinds:
        return None if "copy" in kinds else False
    return None if {one.attack, other.attack} & ADDING or one.is_composite or other.is_composite else False


def examples(found: Candidates) -> tuple[Floats, Flags]:
    """MEASURES, float64 (n, measures), of the pairs to learn from, and whether each shows a copy."""
    images = [(found.truth[query], found.truth[result]) for query, result in found.pairs]
    labels = [is_copy(one, other) for one, other in images]
    suspect = found.alike & np.array(["distractor" in (one.kind, other.kind) for one, other in images], bool)
    kept = np.array([label is not None for label in labels], bool)
    copies = np.array([label is True for label in labels], bool)
    print(
        f"{(kept & copies).sum()} copies, {(kept & ~copies & ~suspect).sum()} others; {(kept & suspect).sum()} pairs "
        "with a distractor are left out as likely copies",
        file=sys.stderr,
    )
    kept &= ~suspect
    return found.values[kept], copies[kept]


def patterns(found: Candidates) -> tuple[Floats, Flags]:
    """The same, of pictures without a copy: the pairs that agree in most places."""
    values = found.values[found.agreement > PATTERN_AGREEMENT]
    print(f"{len(values)} pairs with a pattern that repeats", file=sys.stderr)
    return values, np.zeros(len(values), bool)


def strangers(corpus: Path, study: Path) -> tuple[Floats, int]:
    """MEASURES, float64 (n, measures), of the pairs of distractors that could be taken for copies; number of images."""
    settings = pimmi.open(study).settings.matching
    truth = read_truth(corpus / "truth.csv")
    folder = StudyFolder(study)
    files = read_files(folder)
    names = dict(zip(column(files, "image_id"), column(files, "path"), strict=True))
    shards = [read_shard(folder.shard(number)) for number in folder.shard_numbers()]
    found = []
    for one, other in combinations_with_replacement(range(len(shards)), 2):
        first = image_block(shards[one], settings=settings)
        second = None if one == other else image_block(shards[other], settings=settings)
        pairs = find_candidates(
            first, second, settings=settings, codebook=load_codebook(settings.codebook), thorough=True
        )
        ids = shards[one].ids if one == other else [*shards[one].ids, *shards[other].ids]
        unrelated = np.array([truth[names[image_id]].kind == "distractor" for image_id in ids], bool)
        measured = Candidates.of(truth, [], links=pairs.links, pixels=pairs.pixels, areas=pairs.areas)
        kept = ~measured.alike & unrelated[pairs.rows].all(axis=1)
        found.append(measured.values[kept])
    return np.concatenate(found), len(names)


def fit(values: Floats, copies: Flags, weights: Floats, shift: float) -> tuple[Floats, float]:
    """Weights float64 (measures,) and bias of a logistic regression, rounded as they are pasted.

    `weights` float64 (n,) of the examples; `shift` is added to the bias.
    """
    if copies.all() or not copies.any():
        raise PimmiError("The corpora must give candidate pairs that are copies, and some that are not.")
    scaler = StandardScaler().fit(values)
    model = LogisticRegression(max_iter=5000).fit(scaler.transform(values), copies, sample_weight=weights)
    slopes = model.coef_[0] / scaler.scale_
    bias = model.intercept_[0] - (slopes * scaler.mean_).sum() + shift
    return np.round(slopes, 3), round(float(bias), 3)


def to_paste(weights: Floats, bias: float) -> Iterator[str]:
    """The lines of pimmi.matching.confidence that hold the weights."""
    yield "MEASURES_AND_WEIGHTS = ("
    for name, weight in zip(MEASURES, weights, strict=True):
        yield f'    ("{name}", {weight:.3f}),'
    yield ")"
    yield f"BIAS = {bias:.3f}"


def table(found: Candidates, *, weights: Floats, bias: float) -> Iterator[str]:
    """A line for each minimum confidence."""
    sure = np.where(found.possible, 1 / (1 + np.exp(-(found.values @ weights + bias))), 0.0)
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
    parser.add_argument(
        "--strangers",
        nargs=2,
        type=Path,
        metavar=("MANY", "STUDY"),
        help="folder made by scale.py, and a study of its images",
    )
    parser.add_argument("--check", type=Path, metavar="CORPUS", help="another one, to judge the weights by")
    parser.add_argument("--preset", default="balanced")
    arguments = parser.parse_args()
    try:
        settings = Settings.preset(arguments.preset)
        compile_all()
        parts = [examples(candidates(corpus, settings=settings)) for corpus in arguments.corpora]
        if arguments.surfaces:
            parts.append(patterns(candidates(arguments.surfaces, settings=settings)))
        weights = [np.ones(len(values)) for values, _ in parts]
        if arguments.surfaces:
            weights[-1] *= PATTERN_WEIGHT
        shift = 0.0
        if arguments.strangers:
            unrelated, images = strangers(*arguments.strangers)
            parts.append((unrelated, np.zeros(len(unrelated), bool)))
            weights.append(np.full(len(unrelated), STRANGER_WEIGHT))
            shift = 2 * math.log(images / PRIOR_IMAGES) + math.log(STRANGER_WEIGHT)
            print(f"{len(unrelated)} pairs of strangers among {images} images", file=sys.stderr)
        learnt, copies = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        slopes, bias = fit(learnt, copies, np.concatenate(weights), shift)
        print(*to_paste(slopes, bias), sep="\n")
        if arguments.check:
            found = candidates(arguments.check, settings=settings)
            print(*table(found, weights=slopes, bias=bias), sep="\n")
    except PimmiError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
