"""Near-exact copies of real pictures, and what only looks like one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations_with_replacement

import cv2
import numpy as np
import pytest
from described import SETTINGS, Described, block, described, picture
from hypothesis import given, settings
from hypothesis import strategies as st

from pimmi.demo.emoji import emoji
from pimmi.demo.raster import Image
from pimmi.index.codebook import load_codebook
from pimmi.matching.blocks import LOOKED_AT, RELATIONS, ImageBlock, KnownCopies, Links
from pimmi.matching.match import match_near

NAMES = ("astronaut", "cat", "coffee", "rocket", "page", "temple")


def near(first: ImageBlock, second: ImageBlock | None = None) -> Links:
    return match_near(first, second, settings=SETTINGS.matching, codebook=load_codebook())


def pairs(links: Links, first: ImageBlock, second: ImageBlock | None = None) -> list[tuple[str, str]]:
    ids = first.ids if second is None else first.ids + second.ids
    return [(ids[query], ids[result]) for query, result in zip(links.query, links.result, strict=True)]


def near_ones(images: Mapping[str, Described]) -> list[tuple[str, str]]:
    whole = block(images)
    return sorted(pairs(near(whole), whole))


def resized(image: Image, share: float) -> Image:
    height, width = image.shape[:2]
    size = round(width * share), round(height * share)
    interpolation = cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def captioned(image: Image, text: str) -> Image:
    """White letters with a dark outline across the top, as memes have them."""
    found = image.copy()
    for colour, thickness in (((0, 0, 0), 5), ((255, 255, 255), 2)):
        cv2.putText(found, text, (12, 38), cv2.FONT_HERSHEY_DUPLEX, 0.9, colour, thickness, cv2.LINE_AA)
    return found


def with_sticker(image: Image) -> Image:
    found, sticker = image.copy(), emoji(0, side=40)
    place = found[150:190, 200:240]
    opaque = sticker[:, :, 3:] / 255
    place[:] = np.rint(opaque * sticker[:, :, :3] + (1 - opaque) * place)
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("quality", [30, 50, 75, 95])
def test_a_picture_saved_anew_is_near(name: str, quality: int) -> None:
    image = picture(name, width=500)
    assert near_ones({"a": described(image), "b": described(image, quality=quality)}) == [("a", "b")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.5, 0.7, 0.9, 1.2, 1.5])
def test_a_resized_picture_is_near(name: str, share: float) -> None:
    image = picture(name, width=500)
    copy = described(resized(image, share), quality=80)
    assert near_ones({"a": described(image), "b": copy}) == [("a", "b")]


@pytest.mark.parametrize("name", NAMES)
def test_a_slightly_blurred_picture_is_near(name: str) -> None:
    image = picture(name, width=500)
    blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.8), np.uint8)
    assert near_ones({"a": described(image), "b": described(blurred)}) == [("a", "b")]


OTHERS: dict[str, Callable[[Image], Image]] = {
    "another caption": lambda image: captioned(image, "MONDAY AGAIN"),
    "one word changed": lambda image: captioned(image, "WHEN IT RAINS ONCE"),
    "no caption": lambda image: image,
    "a sticker": lambda image: with_sticker(captioned(image, "WHEN IT WORKS ONCE")),
    "a crop": lambda image: captioned(image, "WHEN IT WORKS ONCE")[
        image.shape[0] // 40 : -(image.shape[0] // 40), image.shape[1] // 40 : -(image.shape[1] // 40)
    ],
    "mirrored": lambda image: captioned(image, "WHEN IT WORKS ONCE")[:, ::-1],
    "negative": lambda image: 255 - captioned(image, "WHEN IT WORKS ONCE"),
    "paler": lambda image: (captioned(image, "WHEN IT WORKS ONCE") // 2 + 120).astype(np.uint8),
}


@pytest.mark.parametrize("name", ["astronaut", "cat", "coffee", "temple", "rocket"])
@pytest.mark.parametrize("change", OTHERS)
def test_an_altered_meme_is_not_near(name: str, change: str) -> None:
    image = picture(name, width=400)
    meme = captioned(image, "WHEN IT WORKS ONCE")
    altered = np.ascontiguousarray(OTHERS[change](image))
    assert near_ones({"a": described(meme), "b": described(altered)}) == []


def test_links_of_near_ones_say_that_both_show_the_same() -> None:
    image = picture("coffee", width=500)
    images = {"a": described(image), "b": described(resized(image, 0.6)), "c": described(image, quality=40)}
    links = near(block(images))
    assert pairs(links, block(images)) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert set(links.relation) == {RELATIONS.index("same")}
    assert not links.change.any()
    assert not links.conflict.any()
    assert links.confidence.min() > 0.9
    assert links.query_coverage.min() > 0.8
    expected = np.array([[0.6, 0, -0.2, 0, 0.6, -0.2], [1, 0, 0, 0, 1, 0]])
    assert np.abs(links.transform[:2] - expected)[:, [0, 1, 3, 4]].max() < 0.01
    assert np.abs(links.transform[:2] - expected)[:, [2, 5]].max() < 2


@pytest.fixture(scope="module")
def flood() -> dict[str, Described]:
    """Copies of one picture, more than have to stand, and a few of another, by mixed ids."""
    coffee, cat = picture("coffee", width=300), picture("cat", width=300)
    pictures = [(coffee, 40 + number) for number in range(LOOKED_AT + 6)] + [(cat, 70), (cat, 80), (cat, 90)]
    order = np.random.default_rng(0).permutation(len(pictures))
    return {
        f"{place:02}": described(image, quality=quality)
        for place, (image, quality) in zip(order, pictures, strict=True)
    }


def of_coffee(flood: Mapping[str, Described]) -> list[str]:
    names = list(flood)
    return sorted(names[: LOOKED_AT + 6])


def test_each_image_has_the_links_with_its_smallest_copies(flood: dict[str, Described]) -> None:
    coffee = of_coffee(flood)
    cat = sorted(flood.keys() - set(coffee))
    expected = [
        (query, result) for place, result in enumerate(coffee) for query in coffee[:place][:LOOKED_AT]
    ] + [(cat[0], cat[1]), (cat[0], cat[2]), (cat[1], cat[2])]
    assert near_ones(flood) == sorted(expected)


def test_copies_that_are_known_count_too(flood: dict[str, Described]) -> None:
    """With those inside its block an image has no more than its smallest ones."""
    coffee = of_coffee(flood)
    blocks = [block({name: flood[name] for name in coffee[start::2]}) for start in (0, 1)]
    known = []
    for own, other in ((0, 1), (1, 0)):
        inside = [blocks[own].ids[:row] for row in range(len(blocks[own].ids))]
        rows = [np.searchsorted(blocks[other].ids, ids) for ids in inside]
        known.append(
            KnownCopies(
                counts=np.array([len(ids) for ids in inside], np.uint8),
                rows=np.concatenate(rows).astype(np.int32),
            )
        )
    across = match_near(*blocks, settings=SETTINGS.matching, codebook=load_codebook(), known=known)
    of_one = set(blocks[0].ids)
    expected = [
        (query, result)
        for place, result in enumerate(coffee)
        for query in coffee[:place][:LOOKED_AT]
        if (query in of_one) != (result in of_one)
    ]
    assert sorted(pairs(across, *blocks)) == sorted(expected)
    assert len(across) < len(near(*blocks))


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_any_split_in_blocks_finds_the_smallest(flood: dict[str, Described], data: st.DataObject) -> None:
    """Of the links of all blocks, those with the smallest copies are the same."""
    group = {name: data.draw(st.integers(0, 2)) for name in sorted(flood)}
    blocks = [block({name: flood[name] for name in flood if group[name] == number}) for number in range(3)]
    found: dict[str, list[str]] = {}
    for one, other in combinations_with_replacement(range(3), 2):
        second = None if one == other else blocks[other]
        for query, result in pairs(near(blocks[one], second), blocks[one], second):
            assert query < result
            found.setdefault(result, []).append(query)
    smallest = sorted(
        (query, result) for result, queries in found.items() for query in sorted(queries)[:LOOKED_AT]
    )
    assert smallest == near_ones(flood)


def test_images_without_points_are_near_none() -> None:
    """Nothing tells blank pictures from each other but their proportions."""
    blank = np.full((200, 300, 3), 255, np.uint8)
    tiny = np.zeros((3, 4, 3), np.uint8)
    images = {"a": described(blank), "b": described(blank), "c": described(tiny), "d": described(tiny)}
    assert near_ones(images) == []
    assert near_ones({}) == []
    empty, full = block({}), block(images)
    assert len(near(empty, full)) == len(near(full, empty)) == len(near(empty, empty)) == 0
