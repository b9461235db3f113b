"""Decisions bear on the clusters, and grouping what a decision touches gives what grouping all gives."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import pimmi
from pimmi.decisions.store import DecisionStore
from pimmi.pipeline.grouping import regroup_images
from pimmi.study.catalogue import Catalogue, Links
from pimmi.study.groups import read_groups
from pimmi.study.layout import StudyFolder
from pimmi.study.lock import locked


@pytest.fixture
def own(study: pimmi.Study, tmp_path: Path) -> pimmi.Study:
    """A copy of the study that a test may change."""
    shutil.copytree(study.path, tmp_path / "study")
    return pimmi.open(tmp_path / "study")


def clusters(study: pimmi.Study) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in study.cluster_table().to_pylist():
        found.setdefault(row["cluster_id"], set()).add(row["image_id"])
    return found


def decide(study: pimmi.Study, *decisions: tuple[str, str, str, str]) -> None:
    """Keep decisions, group only what they touch, and check that grouping all gives the same."""
    folder = StudyFolder(study.path)
    DecisionStore(folder).add(decisions)
    regroup(study, {name for _, first, second, _ in decisions for name in (first, second)})


def regroup(study: pimmi.Study, names: set[str]) -> None:
    folder = StudyFolder(study.path)
    catalogue = Catalogue.read(folder)
    touched = np.searchsorted(catalogue.ids, np.array(sorted(names), "S32"))
    with locked(folder):
        links = catalogue.links(minimum_confidence=0.0)
        regroup_images(catalogue, links, images=touched, matching=study.settings.matching)
    part = read_groups(folder)
    study.group()
    assert read_groups(folder) == part


def test_a_study_whose_decisions_are_undone_is_as_before(own: pimmi.Study) -> None:
    before = own.cluster_table()
    (cluster_id, members), *_ = clusters(own).items()
    first, second, *_ = sorted(members)
    decide(own, ("apart", second, first, "yes"))
    assert own.cluster_table() != before
    DecisionStore(StudyFolder(own.path)).undo()
    regroup(own, members)
    assert own.cluster_table() == before
    assert cluster_id in clusters(own)


def test_an_image_whose_links_are_all_rejected_is_in_no_cluster(own: pimmi.Study) -> None:
    links = own.links().to_pylist()
    ids = {row["path"]: row["image_id"] for row in own.images().to_pylist()}
    pairs = [(ids[row["query_path"]], ids[row["result_path"]]) for row in links]
    name = pairs[0][0]
    rejected = [("link", *pair, "rejected") for pair in pairs if name in pair and pair[0] != pair[1]]
    size = max(len(members) for members in clusters(own).values() if name in members)
    decide(own, *rejected)
    assert all(len(members) < size for members in clusters(own).values() if name in members)
    assert all(members == {name} for members in clusters(own).values() if name in members)


def test_a_removed_image_is_alone_and_the_others_stay(own: pimmi.Study) -> None:
    members = max(clusters(own).values(), key=len)
    anchor, removed, *others = sorted(members)
    decide(own, ("apart", removed, anchor, "yes"))
    (left,) = (held for held in clusters(own).values() if anchor in held)
    assert left == {anchor, *others}


def test_clusters_that_are_put_together_are_one(own: pimmi.Study) -> None:
    first, second, *others = clusters(own).values()
    decide(own, ("together", min(first), max(second), "yes"))
    after = clusters(own)
    assert after[min(first | second)] == first | second
    assert all(members in after.values() for members in others)


def test_a_confirmed_link_is_certain(own: pimmi.Study) -> None:
    catalogue = Catalogue.read(StudyFolder(own.path))
    links: Links = catalogue.links(minimum_confidence=0.5)
    agreement = links.rows.column("agreement").to_numpy()
    doubtful = int(agreement.argmin())
    first, second = (catalogue.ids[end[doubtful]].decode() for end in (links.query, links.result))
    before = own.cluster_table()
    decide(own, ("link", first, second, "confirmed"))
    assert own.cluster_table().column("degree").equals(before.column("degree"))


def test_decisions_on_unknown_images_change_nothing(own: pimmi.Study) -> None:
    before = own.cluster_table()
    DecisionStore(StudyFolder(own.path)).add([
        ("link", "0" * 32, "f" * 32, "rejected"),
        ("apart", "0" * 32, "f" * 32, "yes"),
        ("together", "0" * 32, "f" * 32, "yes"),
    ])  # fmt: skip
    own.group()
    assert own.cluster_table() == before
