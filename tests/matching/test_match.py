"""Whole matching tasks on real pictures: what is linked, where, and that nothing else in a block matters."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from itertools import combinations_with_replacement

import cv2
import numpy as np
import pytest
from described import SETTINGS, Described, block, described, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pimmi.demo.raster import Image, resize
from pimmi.index.codebook import load_codebook
from pimmi.matching.blocks import ImageBlock, Links
from pimmi.matching.match import AT_ONCE, CERTAIN_SCORE, compile_all, match_blocks

Floats = NDArray[np.float64]
Pair = tuple[str, str]

EVERYTHING = replace(SETTINGS.matching, stored_confidence=0.0)


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    compile_all()


@pytest.fixture(scope="module")
def images() -> dict[str, Described]:
    """Copies of two pictures, two in one frame, other pictures, and images without points."""
    astronaut, coffee = picture("astronaut"), picture("coffee")
    framed = []
    for name in ("cat", "rocket"):
        frame = picture("brick", width=300)
        frame[60:240, 60:240] = resize(picture(name), width=180, height=180)
        framed.append(frame)
    pictures = {
        "a": astronaut[50:300, 100:400],
        "b": coffee,
        "c": astronaut,
        "d": np.full((200, 300, 3), 255, np.uint8),
        "e": astronaut[:, ::-1],
        "f": 255 - coffee,
        "g": framed[0],
        "h": resize(coffee, width=170, height=110),
        "i": framed[1],
        "j": np.zeros((3, 4, 3), np.uint8),
        "k": picture("moon"),
        "l": np.rot90(astronaut),
    }
    return {name: described(np.ascontiguousarray(each)) for name, each in pictures.items()}


def match(first: ImageBlock, second: ImageBlock | None = None, *, everything: bool = False) -> Links:
    chosen = EVERYTHING if everything else SETTINGS.matching
    return Links.joined(match_blocks(first, second, settings=chosen, codebook=load_codebook()))


def rows(links: Links, first: ImageBlock, second: ImageBlock | None = None) -> dict[Pair, bytes]:
    """The bytes of each link but its row numbers, by the ids of its images."""
    ids = first.ids if second is None else first.ids + second.ids
    columns = [getattr(links, field.name) for field in fields(Links) if field.name not in ("query", "result")]
    pairs = [(ids[query], ids[result]) for query, result in zip(links.query, links.result, strict=True)]
    assert pairs == sorted(set(pairs))
    return {pair: b"".join(column[row].tobytes() for column in columns) for row, pair in enumerate(pairs)}


@pytest.fixture(scope="module")
def expected(images: dict[str, Described]) -> dict[Pair, bytes]:
    whole = block(images)
    return rows(match(whole, everything=True), whole)


COPIES = {
    ("a", "c"): 0,
    ("a", "e"): 1,
    ("a", "l"): 0,
    ("b", "f"): 2,
    ("b", "h"): 0,
    ("c", "e"): 1,
    ("c", "l"): 0,
    ("e", "l"): 1,
    ("f", "h"): 2,
}
FRAMED = ("g", "i")


def test_copies_are_linked_with_their_change(images: dict[str, Described]) -> None:
    whole = block(images)
    links = match(whole)
    sure = np.flatnonzero(links.confidence >= SETTINGS.matching.confidence_among(2))
    changes = {
        (whole.ids[links.query[row]], whole.ids[links.result[row]]): int(links.change[row]) for row in sure
    }
    changes.pop(FRAMED, None)
    assert changes == COPIES


def test_pictures_in_one_frame_conflict(images: dict[str, Described]) -> None:
    whole = block(images)
    links = match(whole, everything=True)
    pairs = list(zip(links.query, links.result, strict=True))
    framed = pairs.index((whole.ids.index("g"), whole.ids.index("i")))
    copies = [pairs.index((whole.ids.index(one), whole.ids.index(other))) for one, other in COPIES]
    assert links.conflict[framed] > 0.15
    assert links.conflict[copies].max() < 0.05
    assert links.confidence[framed] < links.confidence[copies].min()


def test_links_are_as_documented(images: dict[str, Described]) -> None:
    links = match(block(images), everything=True)
    assert (links.query < links.result).all()
    for name in ("query_coverage", "result_coverage", "agreement", "conflict", "confidence"):
        values = getattr(links, name)
        assert values.dtype == np.float64
        assert (values >= 0).all()
        assert (values <= 1).all()
    assert (links.agreement + links.conflict <= 1 + 1e-12).all()
    assert (links.inliers >= SETTINGS.matching.minimum_inliers).all()
    assert links.transform.shape == (len(links), 6)


def test_less_sure_links_are_kept_only_if_they_certainly_share_something(
    images: dict[str, Described],
) -> None:
    whole = block(images)
    everything = match(whole, everything=True)
    bound = float(np.median(everything.confidence))
    few = replace(SETTINGS.matching, stored_confidence=bound)
    (kept,) = match_blocks(whole, None, settings=few, codebook=load_codebook())
    wanted = (everything.confidence >= bound) | (everything.score >= CERTAIN_SCORE)
    assert np.array_equal(kept.score, everything.score[wanted])


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_find_the_same_links(
    images: dict[str, Described], expected: dict[Pair, bytes], workers: int
) -> None:
    whole = block(images)
    with ThreadPoolExecutor(workers) as threads:
        (links,) = match_blocks(whole, None, settings=EVERYTHING, codebook=load_codebook(), threads=threads)
    assert rows(links, whole) == expected
    assert len(expected) > AT_ONCE


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_split_in_blocks_gives_the_same_bytes(
    images: dict[str, Described], expected: dict[Pair, bytes], data: st.DataObject
) -> None:
    group = {name: data.draw(st.integers(0, 3)) for name in images}
    blocks = [
        block({name: each for name, each in images.items() if group[name] == number}) for number in range(4)
    ]
    found: dict[Pair, bytes] = {}
    for one, other in combinations_with_replacement(range(4), 2):
        second = None if one == other else blocks[other]
        links = rows(match(blocks[one], second, everything=True), blocks[one], second)
        assert not links.keys() & found.keys()
        found |= links
    assert found == expected


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_other_images_in_the_block_change_nothing(
    images: dict[str, Described], expected: dict[Pair, bytes], data: st.DataObject
) -> None:
    names = data.draw(st.sets(st.sampled_from(sorted(images))))
    some = block({name: images[name] for name in names})
    among = {pair: row for pair, row in expected.items() if names.issuperset(pair)}
    assert rows(match(some, everything=True), some) == among


def test_the_order_of_the_blocks_does_not_matter(images: dict[str, Described]) -> None:
    names = sorted(images)
    one = block({name: images[name] for name in names[::2]})
    other = block({name: images[name] for name in names[1::2]})
    assert rows(match(one, other, everything=True), one, other) == rows(
        match(other, one, everything=True), other, one
    )


@pytest.mark.parametrize("most", [0, 40, 400])
def test_a_task_in_parts_gives_the_same_bytes(
    images: dict[str, Described], expected: dict[Pair, bytes], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where matches are too many for the memory, some of the images are compared at a time."""
    monkeypatch.setattr("pimmi.matching.match.MOST_MATCHES", most)

    def unordered(first: ImageBlock, second: ImageBlock | None = None) -> dict[Pair, bytes]:
        links = match(first, second, everything=True)
        ids = first.ids if second is None else first.ids + second.ids
        order = sorted(range(len(links)), key=lambda row: (ids[links.query[row]], ids[links.result[row]]))
        sorted_links = Links(**{field.name: getattr(links, field.name)[order] for field in fields(Links)})
        return rows(sorted_links, first, second)

    names = sorted(images)
    assert unordered(block(images)) == expected
    one = block({name: images[name] for name in names[:3]})
    other = block({name: images[name] for name in names[3:]})
    found = unordered(one) | unordered(other) | unordered(one, other)
    assert found == expected
    assert unordered(other, one) == unordered(one, other)
    parts = list(match_blocks(block(images), None, settings=EVERYTHING, codebook=load_codebook()))
    assert max(map(len, parts)) < len(expected)


def test_nothing_is_linked_in_blocks_without_points(images: dict[str, Described]) -> None:
    empty, blank = block({}), block({name: images[name] for name in "dj"})
    full = block({name: images[name] for name in "abc"})
    assert len(match(empty)) == len(match(empty, empty)) == len(match(blank)) == len(match(blank, empty)) == 0
    assert len(match(full, blank)) == len(match(empty, full)) == len(match(full, empty)) == 0


CHANGES: dict[str, tuple[Callable[[Image], Image], tuple[float, ...]]] = {
    "the same": (lambda image: image, (1, 0, 0, 0, 1, 0)),
    "crop": (lambda image: image[100:500, 150:650], (1, 0, -150, 0, 1, -100)),
    "reduced": (lambda image: resize(image, width=400, height=300), (0.5, 0, -0.25, 0, 0.5, -0.25)),
    "enlarged": (lambda image: resize(image, width=1600, height=1200), (2, 0, 0.5, 0, 2, 0.5)),
    "squeezed": (lambda image: resize(image, width=640, height=600), (0.8, 0, -0.1, 0, 1, 0)),
    "mirrored": (lambda image: image[:, ::-1], (-1, 0, 799, 0, 1, 0)),
    "upside down": (lambda image: image[::-1, ::-1], (-1, 0, 799, 0, -1, 599)),
    "quarter turn": (np.rot90, (0, 1, 0, -1, 0, 799)),
    "negative": (lambda image: 255 - image, (1, 0, 0, 0, 1, 0)),
    "mirrored negative": (lambda image: 255 - image[:, ::-1], (-1, 0, 799, 0, 1, 0)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["temple", "motorcycle"])
def test_transforms_lead_from_file_to_file(name: str, change: str) -> None:
    """To a pixel of the coarser working image at the corners of what both show, and to four when it is squeezed.

    Squeezing bends no keypoint's frame, which holds the fit back.
    """
    original = np.asarray(cv2.resize(picture(name, width=800), (800, 600)), np.uint8)
    alter, transform = CHANGES[change]
    copy = described(np.ascontiguousarray(alter(original)))
    links = match(block({"a": described(original), "b": copy}))
    assert len(links) == 1
    truth = np.array(transform, float).reshape(2, 3)
    width, height = copy.original_size
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]])
    shown = (corners - truth[:, 2]) @ np.linalg.inv(truth[:, :2]).T
    found = links.transform[0].reshape(2, 3)
    error = shown @ found[:, :2].T + found[:, 2] - corners
    pixel = max(800, width, height) / SETTINGS.images.working_size
    assert np.abs(error).max() < (4 if change == "squeezed" else 1) * pixel
