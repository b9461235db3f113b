"""Studies with many near-exact copies of one picture, whose images lie in several shards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest

import pimmi
from conftest import complete, exports
from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import Image, encode_jpeg
from pimmi.matching.blocks import LOOKED_AT, STANDING
from pimmi.study.images import IMAGES_SCHEMA
from pimmi.study.layout import StudyFolder
from pimmi.study.links import LINKS_SCHEMA
from pimmi.study.reading import read_parquet, values

FLOOD = 3 * STANDING
FEW = 10
SHARD_IMAGES = 20
SMALLEST_SHARD = 11
IDS = pa.schema([IMAGES_SCHEMA.field("image_id")])
MOMENTS = 12


def sized(image: Image, width: int) -> Image:
    height = round(image.shape[0] * width / image.shape[1])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def crop(image: Image) -> Image:
    height, width = image.shape[:2]
    return np.ascontiguousarray(image[height // 5 : 4 * height // 5, width // 5 : 4 * width // 5])


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of `coffee` and of `cat` in several sizes and qualities, two crops of each, and other pictures."""
    folder = tmp_path_factory.mktemp("flood") / "images"
    folder.mkdir()
    for name, count in (("coffee", FLOOD), ("cat", FEW)):
        picture = load_picture(name)
        for number in range(count):
            copy = sized(picture, 280 + 5 * (number % 7))
            (folder / f"{name} {number:02}.jpg").write_bytes(encode_jpeg(copy, quality=40 + number % 50))
        for number, width in enumerate((200, 260)):
            (folder / f"{name} crop {number}.jpg").write_bytes(
                encode_jpeg(sized(crop(picture), width), quality=85)
            )
    for name in ("rocket", "page", "astronaut", "temple"):
        (folder / f"{name}.jpg").write_bytes(encode_jpeg(sized(load_picture(name), 300), quality=85))
    return folder


def in_shards_of(images: int) -> pimmi.Settings:
    return pimmi.Settings().updated({"images": {"shard_images": images}})


@pytest.fixture(scope="module")
def study(images: Path, tmp_path_factory: pytest.TempPathFactory) -> pimmi.Study:
    """Not to be changed."""
    path = tmp_path_factory.mktemp("floods") / "study"
    return complete(path, images, settings=in_shards_of(SHARD_IMAGES))


@pytest.fixture(scope="module")
def expected(study: pimmi.Study, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return exports(study, tmp_path_factory.mktemp("tables"))


def ids_of(study: pimmi.Study, start: str) -> list[str]:
    """The ids of the images whose path starts so, smallest first."""
    table = study.images()
    named = zip(values(table, "path"), values(table, "image_id"), strict=True)
    return sorted(image_id for path, image_id in named if path.startswith(start))


def test_each_picture_is_one_cluster(study: pimmi.Study) -> None:
    rows = study.cluster_table().to_pylist()
    clusters: dict[str, set[str]] = {}
    for row in rows:
        clusters.setdefault(row["cluster_id"], set()).add(row["image_id"])
    assert sorted(map(sorted, clusters.values())) == sorted(ids_of(study, name) for name in ("coffee", "cat"))
    assert {row["cluster_size"] for row in rows} == {FLOOD + 2, FEW + 2}
    assert {row["quality"] for row in rows} == {1.0}


def test_a_flood_has_few_links_for_its_images(study: pimmi.Study) -> None:
    """Each copy is linked with the smallest ones, and the crops with those that stand for all."""
    copies = sorted(set(ids_of(study, "coffee")) - set(ids_of(study, "coffee crop")))
    assert len(copies) == FLOOD
    of_copies = {(query, copies[place]) for place in range(FLOOD) for query in copies[: min(place, STANDING)]}
    table = study.links()
    ids = dict(zip(values(study.images(), "path"), values(study.images(), "image_id"), strict=True))
    ends = [values(table, f"{end}_path") for end in ("query", "result")]
    found = {(ids[query], ids[result]) for query, result in zip(*ends, strict=True)}
    assert {pair for pair in found if set(pair) <= set(copies)} == of_copies
    assert len(of_copies) < 0.6 * FLOOD * (FLOOD - 1) / 2
    standing = set(copies[:STANDING])
    for crop_id in ids_of(study, "coffee crop"):
        linked = {one for pair in found if crop_id in pair for one in pair} & set(copies)
        assert linked == standing


@pytest.mark.parametrize(("shard_images", "workers"), [(SMALLEST_SHARD, 2), (5000, 1)])
def test_shards_and_workers_change_nothing(
    images: Path, expected: dict[str, bytes], tmp_path: Path, shard_images: int, workers: int
) -> None:
    study = complete(tmp_path / "study", images, settings=in_shards_of(shard_images), workers=workers)
    assert exports(study, tmp_path / "tables") == expected


def test_a_family_that_lies_in_many_shards_is_collapsed_too(images: Path, tmp_path: Path) -> None:
    """No two shards together hold as many copies as have to stand, but earlier ones tell later ones."""
    study = complete(tmp_path / "study", images, settings=in_shards_of(SMALLEST_SHARD), workers=1)
    folder = StudyFolder(study.path)
    numbers = folder.shard_numbers()
    copies = set(copies_of(study, "coffee"))
    held = [
        len(
            copies.intersection(
                values(read_parquet(folder.shard(number) / "images.parquet", schema=IDS), "image_id")
            )
        )
        for number in numbers
    ]
    assert max(map(sum, combinations(held, 2))) < STANDING
    matched = 0
    for pair in folder.linked_pairs():
        matched += values(read_parquet(folder.links_of(pair), schema=LINKS_SCHEMA), "near").count(False)
    assert matched < 0.7 * FLOOD * (FLOOD - 1) / 2


def test_three_uneven_steps_change_nothing(images: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    """The flood grows while the study does, so that links are found that don't count in the end."""
    files = sorted(images.iterdir(), key=lambda path: path.read_bytes()[-50:])
    steps = []
    for end in (7, 40, len(files)):
        folder = tmp_path / f"first {end}"
        folder.mkdir()
        for path in files[:end]:
            shutil.copy2(path, folder)
        steps.append(folder)
    study = complete(tmp_path / "study", *steps, settings=in_shards_of(SHARD_IMAGES))
    assert exports(study, tmp_path / "tables") == expected


def paths_of(study: pimmi.Study, ids: set[str]) -> list[str]:
    table = study.images()
    named = zip(values(table, "path"), values(table, "image_id"), strict=True)
    return [path for path, image_id in named if image_id in ids]


def fresh_exports(images: Path, gone: list[str], folder: Path) -> dict[str, bytes]:
    """The tables of a study of all images but some."""
    rest = Path(shutil.copytree(images, folder / "rest"))
    for path in gone:
        (rest / path).unlink()
    fresh = complete(folder / "fresh", rest, settings=in_shards_of(SHARD_IMAGES))
    return exports(fresh, folder / "fresh tables")


def copies_of(study: pimmi.Study, name: str) -> list[str]:
    return sorted(set(ids_of(study, name)) - set(ids_of(study, f"{name} crop")))


@pytest.mark.parametrize("shard_images", [SHARD_IMAGES, 5000])
def test_removing_images_that_stood_for_others_gives_what_a_new_study_would(
    images: Path, tmp_path: Path, shard_images: int
) -> None:
    opened = complete(tmp_path / "study", images, settings=in_shards_of(shard_images))
    gone = paths_of(opened, set(copies_of(opened, "coffee")[: STANDING + 4]))
    opened.remove(gone)
    assert not opened.status().matched
    with pytest.raises(pimmi.StudyError, match="aren't compared yet"):
        opened.group()
    opened.match(workers=1)
    opened.group()
    expected = fresh_exports(images, gone, tmp_path)
    assert exports(opened, tmp_path / "tables") == expected
    opened.compact()
    assert exports(opened, tmp_path / "tables") == expected


def most_near_links(study: pimmi.Study) -> int:
    """Of one image, to smaller ones."""
    folder = StudyFolder(study.path)
    ends: Counter[tuple[int, int]] = Counter()
    for pair in folder.linked_pairs():
        links = read_parquet(folder.links_of(pair), schema=LINKS_SCHEMA)
        near = links.filter(links.column("near"))
        ends.update(zip(values(near, "result_shard"), values(near, "result_row"), strict=True))
    return max(ends.values())


def test_links_beyond_the_smallest_go_before_images_do(images: Path, tmp_path: Path) -> None:
    """Of those beyond only some were found."""
    opened = complete(tmp_path / "study", images, settings=in_shards_of(SMALLEST_SHARD))
    assert most_near_links(opened) > LOOKED_AT
    opened.remove(["rocket.jpg"])
    assert most_near_links(opened) > LOOKED_AT
    opened.compact()
    assert most_near_links(opened) == LOOKED_AT


def test_they_go_as_well_where_others_are_matched_again(images: Path, tmp_path: Path) -> None:
    opened = complete(tmp_path / "study", images, settings=in_shards_of(SMALLEST_SHARD))
    opened.remove(paths_of(opened, set(copies_of(opened, "coffee")[:1])))
    assert not opened.status().matched
    assert most_near_links(opened) <= LOOKED_AT


def test_one_removal_after_the_other_with_compacting_in_between(images: Path, tmp_path: Path) -> None:
    opened = complete(tmp_path / "study", images, settings=in_shards_of(SHARD_IMAGES))
    gone: list[str] = []
    for count in (7, 12, 20):
        gone += paths_of(opened, set(copies_of(opened, "coffee")[:count]))
        opened.remove(gone)
        opened.match(workers=1)
        opened.compact()
    opened.group()
    assert exports(opened, tmp_path / "tables") == fresh_exports(images, gone, tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_killed_at_any_moment_all_is_removed_or_nothing(study: pimmi.Study, tmp_path: Path) -> None:
    killing = Path(__file__).with_name("killing.py")
    gone = paths_of(study, set(copies_of(study, "coffee")[:STANDING]))
    command: list[str | Path] = [sys.executable, killing, "remove", study.path, tmp_path, str(MOMENTS), *gone]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == MOMENTS


def test_removing_what_stands_for_nothing_compares_nothing_again(images: Path, tmp_path: Path) -> None:
    opened = complete(tmp_path / "study", images, settings=in_shards_of(SHARD_IMAGES))
    kept = {path: path.stat().st_mtime_ns for path in opened.path.glob("*/*") if "files" not in path.parts}
    coffee = copies_of(opened, "coffee")
    gone = paths_of(opened, {*coffee[-STANDING:], *copies_of(opened, "cat")[:3], *ids_of(opened, "rocket")})
    opened.remove(gone)
    assert opened.status().matched
    opened.match(workers=1)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    opened.group()
    assert exports(opened, tmp_path / "tables") == fresh_exports(images, gone, tmp_path)


def test_removed_images_do_not_stand_for_those_that_come_later(images: Path, tmp_path: Path) -> None:
    settings = in_shards_of(SHARD_IMAGES)
    first = Path(shutil.copytree(images, tmp_path / "first", ignore=shutil.ignore_patterns("coffee [3-6]*")))
    opened = complete(tmp_path / "study", first, settings=settings)
    gone = paths_of(opened, set(copies_of(opened, "coffee")))
    opened.remove(gone)
    opened.add(images, workers=1)
    opened.match(workers=1)
    opened.group()
    assert exports(opened, tmp_path / "tables") == fresh_exports(images, gone, tmp_path)


def test_a_copy_is_searched_for_like_any_image(images: Path, study: pimmi.Study) -> None:
    paths = {hit.path for hit in study.search(images / "coffee crop 0.jpg", limit=200)}
    assert {f"coffee {number:02}.jpg" for number in range(FLOOD)} <= paths
