"""A small corpus of real pictures and their copies, and the study of it that others are compared with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import pimmi
from pimmi.demo.families import FAMILIES
from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import encode_jpeg
from pimmi.demo.writing import Source, write_corpus
from pimmi.outputs.export import write_table

ORIGINALS = ("astronaut", "cat", "coffee", "rocket", "page", "portrait")
OTHERS = ("brick", "retina", "horse")
CHANGES = ("jpeg_q30", "crop_40", "mirror", "negative", "scale_50", "screenshot")
SHARD_IMAGES = 16


def source(name: str) -> Source:
    return Source(id=name, suffix=".jpg", read=lambda: encode_jpeg(load_picture(name), quality=90))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """45 images, of which two are twice there under other names, and files that are no image.

    The folder holds `truth.csv` and `images/`, which has a subfolder.
    """
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(
        folder,
        originals=[source(name) for name in ORIGINALS],
        distractors=[source(name) for name in OTHERS],
        families=[family for family in FAMILIES if family.name in CHANGES],
    )
    images = folder / "images"
    first, second, *_, last = sorted(images.iterdir())
    (images / "more").mkdir()
    for number in range(2):
        shutil.copy(first, images / "more" / f"twice {number}.jpg")
    shutil.copy(second, images / "more" / 'a name, "quoted" é.jpg')
    (images / "empty.jpg").touch()
    (images / "text.png").write_text("not an image")
    (images / "cut.jpg").write_bytes(last.read_bytes()[:2000])
    return folder


@pytest.fixture(scope="session")
def small_shards() -> pimmi.Settings:
    """Settings that cut the corpus into several shards."""
    return pimmi.Settings().updated({"images": {"shard_images": SHARD_IMAGES}})


def complete(
    path: Path, *images: Path, settings: pimmi.Settings | None = None, workers: int = 1
) -> pimmi.Study:
    """A study to which folders of images were added one after the other, matched and grouped each time."""
    study = pimmi.open(path, create=True, settings=settings)
    for folder in images:
        study.add(folder, workers=workers)
        study.match(workers=workers)
        study.group()
    return study


def exports(study: pimmi.Study | Path, folder: Path) -> dict[str, bytes]:
    """The three tables of a study as CSV."""
    opened = pimmi.open(study) if isinstance(study, Path) else study
    folder.mkdir(exist_ok=True)
    tables = {"links": opened.links(), "clusters": opened.cluster_table(), "images": opened.images()}
    for name, table in tables.items():
        write_table(table, folder / f"{name}.csv")
    return {name: (folder / f"{name}.csv").read_bytes() for name in tables}


@pytest.fixture(scope="session")
def study(
    corpus: Path, small_shards: pimmi.Settings, tmp_path_factory: pytest.TempPathFactory
) -> pimmi.Study:
    """The study of the corpus, made by one worker; not to be changed."""
    path = tmp_path_factory.mktemp("undisturbed") / "study"
    return complete(path, corpus / "images", settings=small_shards)


@pytest.fixture(scope="session")
def expected(study: pimmi.Study, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The tables of the corpus, which every other way of making the study must give as well."""
    return exports(study, tmp_path_factory.mktemp("expected"))
