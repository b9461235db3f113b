"""What a study knows of files and images."""

from __future__ import annotations

import pimmi
from pimmi.study.catalogue import Catalogue
from pimmi.study.layout import StudyFolder


def test_the_files_of_an_image_are_found_by_its_id(study: pimmi.Study) -> None:
    held: dict[str, list[str]] = {}
    for row in study.images().to_pylist():
        if row["image_id"] is not None:
            held.setdefault(row["image_id"], []).append(row["path"])
    assert max(map(len, held.values())) > 1
    catalogue = Catalogue.read(StudyFolder(study.path))
    assert {image: catalogue.paths_of(image) for image in held} == {
        image: sorted(paths) for image, paths in held.items()
    }
    assert catalogue.paths_of("0" * 32) == catalogue.paths_of("f" * 32) == []
