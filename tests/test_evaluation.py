"""Links and clusters against a truth that is written by hand or drawn at random."""

import math
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pimmi.errors import PimmiError
from pimmi.evaluation import Evaluation, TrueImage, evaluate, read_truth

TRUTH = """path,origins,attack,kind
a.jpg,A,,original
a-crop.jpg,A,crop,copy
a-blur.jpg,A,blur,copy
b.jpg,B,,original
b-crop.jpg,B,crop,copy
both.jpg,A;B,collage,copy
x.jpg,,,distractor
y.jpg,,,distractor
"""


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "truth.csv"
    path.write_text(TRUTH, encoding="utf-8")
    return path


def image(kind: str, *origins: str, attack: str = "") -> TrueImage:
    return TrueImage(origins=frozenset(origins), attack=attack, kind=kind)


def test_a_perfect_run_scores_one_everywhere(truth: Path) -> None:
    links = [
        ("a.jpg", "a-crop.jpg"),
        ("a-blur.jpg", "a.jpg"),
        ("b.jpg", "b-crop.jpg"),
        ("both.jpg", "a.jpg"),
        ("both.jpg", "b.jpg"),
    ]
    clusters = {"a.jpg": 1, "a-crop.jpg": 1, "a-blur.jpg": 1, "b.jpg": 2, "b-crop.jpg": 2}
    assert evaluate(truth, links, clusters) == Evaluation(
        edges=5,
        edge_precision=1.0,
        number_of_distractor_links=0,
        mean_recall=1.0,
        recall={"blur": 1.0, "collage": 1.0, "crop": 1.0},
        bcubed_precision=1.0,
        bcubed_recall=1.0,
        bcubed_f1=1.0,
        distractors_clustered=0.0,
        cluster_precision=1.0,
        cluster_recall=1.0,
        cluster_f1=1.0,
    )


def test_measures_of_a_run_with_faults(truth: Path) -> None:
    links = [
        ("a.jpg", "a-crop.jpg"),
        ("a-crop.jpg", "a.jpg"),  # the same link again
        ("folder/both.jpg", "other/a.jpg"),
        ("x.jpg", "y.jpg"),
        ("b.jpg", "x.jpg"),
        ("a.jpg", "a.jpg"),
        ("a.jpg", "unknown.jpg"),
    ]
    clusters = {"a.jpg": 0, "a-crop.jpg": 0, "b.jpg": 0, "folder/x.jpg": 0, "b-crop.jpg": 1}
    found = evaluate(truth, links, clusters)
    assert found.edges == 4
    assert found.edge_precision == 2 / 4
    assert found.number_of_distractor_links == 1
    assert found.recall == {"blur": 0.0, "collage": 1 / 2, "crop": 1 / 2}
    assert found.mean_recall == pytest.approx(1 / 3)
    assert found.bcubed_precision == pytest.approx((2 / 4 + 2 / 4 + 1 + 1 / 4 + 1) / 5)
    assert found.bcubed_recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 / 2 + 1 / 2) / 5)
    assert found.distractors_clustered == 1 / 2
    # A fits cluster 0 best (precision 2/4, recall 2/3); B fits the lone b-crop best (precision 1, recall 1/2)
    assert found.cluster_precision == pytest.approx((2 / 4 + 1) / 2)
    assert found.cluster_recall == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found.cluster_f1 == pytest.approx((4 / 7 + 2 / 3) / 2)


def test_a_composite_neither_helps_nor_harms_the_clusters(truth: Path) -> None:
    clusters = {"a.jpg": 1, "a-crop.jpg": 1, "a-blur.jpg": 1, "b.jpg": 2, "b-crop.jpg": 2}
    with_composite = {**clusters, "both.jpg": 1, "x.jpg": 3}
    assert evaluate(truth, [], with_composite) == evaluate(truth, [], clusters)


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"x.jpg": image("distractor"), "y.jpg": image("distractor")},
        {"a.jpg": image("original", "A"), "b.jpg": image("original", "B")},
        {"a-crop.jpg": image("copy", "A", attack="crop"), "a-blur.jpg": image("copy", "A", attack="blur")},
    ],
)
def test_truths_that_lack_a_kind_give_numbers(known: dict[str, TrueImage]) -> None:
    names = sorted(known)
    found = asdict(evaluate(known, list(pairwise(names)), dict.fromkeys(names, 0)))
    recall = found.pop("recall")
    assert recall == {}
    assert all(math.isfinite(value) for value in found.values())


def test_copies_without_their_original_still_make_a_family() -> None:
    known = {"1.jpg": image("copy", "A", attack="crop"), "2.jpg": image("copy", "A", attack="crop")}
    assert evaluate(known, [], {"1.jpg": 7, "2.jpg": 7}).bcubed_f1 == 1
    assert evaluate(known, [], {}).bcubed_recall == 1 / 2


names = st.integers(0, 11)


@given(
    families=st.lists(st.integers(-1, 3), min_size=12, max_size=12),
    clusters=st.dictionaries(names, st.integers(-1, 4)),
)
def test_bcubed_is_that_of_its_definition(families: list[int], clusters: dict[int, int]) -> None:
    known = {
        f"{name}.jpg": image("distractor") if family < 0 else image("copy", str(family))
        for name, family in enumerate(families)
    }
    found = evaluate(known, [], {f"{name}.jpg": cluster for name, cluster in clusters.items()})

    def together(one: int, other: int) -> bool:
        return one == other or (one in clusters and other in clusters and clusters[one] == clusters[other])

    precisions, recalls = [], []
    for one in range(12):
        if families[one] < 0:
            continue
        cluster = [other for other in range(12) if together(one, other)]
        family = [other for other in range(12) if families[other] == families[one]]
        common = set(cluster) & set(family)
        precisions.append(len(common) / len(cluster))
        recalls.append(len(common) / len(family))
    count = max(1, len(precisions))
    assert found.bcubed_precision == pytest.approx(sum(precisions) / count)
    assert found.bcubed_recall == pytest.approx(sum(recalls) / count)
    distractors = [one for one in range(12) if families[one] < 0]
    clustered = [
        one for one in distractors if any(together(one, other) for other in range(12) if other != one)
    ]
    assert found.distractors_clustered == pytest.approx(len(clustered) / max(1, len(distractors)))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,origins,kind\n", "lacks the column attack"),
        ("", "lacks the column path"),
        (TRUTH + "a.jpg,A,,original\n", "holds the file a.jpg twice"),
        (TRUTH + "z.jpg,A,,odd\n", "line 10: kind is 'odd' but must be one of original, copy, distractor"),
        (TRUTH + ",A,,original\n", "line 10: path is empty"),
        (TRUTH + "z.jpg,,crop,copy\n", "a copy needs at least one origin"),
        (TRUTH + "z.jpg,A;B,,original\n", "an original has one origin"),
        (TRUTH + "z.jpg,A,,distractor\n", "a distractor has no origin"),
    ],
)
def test_a_bad_truth_table_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PimmiError, match=sentence):
        read_truth(path)


def test_no_such_truth_table(tmp_path: Path) -> None:
    with pytest.raises(PimmiError, match="can't be read: No such file"):
        evaluate(tmp_path / "none.csv", [], {})
    with pytest.raises(PimmiError, match="can't be read: Is a directory"):
        read_truth(tmp_path)


def test_a_truth_table_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.csv"
    path.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    with pytest.raises(PimmiError, match="is not a CSV file in UTF-8"):
        read_truth(path)
