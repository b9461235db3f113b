"""The library as a script uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import pimmi
from conftest import source
from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import encode_jpeg
from pimmi.evaluation import evaluate, read_truth
from pimmi.outputs.tables import TABLES
from pimmi.pipeline.reading import describe
from pimmi.study.shards import Shard

HEAVY = ("numpy", "cv2", "numba", "pyarrow", "scipy", "matplotlib", "PIL")


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import pimmi, sys; print(*({set(HEAVY)} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_the_public_names_exist() -> None:
    assert all(hasattr(pimmi, name) for name in pimmi.__all__)
    assert pimmi.__version__[0].isdigit()
    with pytest.raises(AttributeError, match="nonsense"):
        _ = pimmi.nonsense


def test_tables_have_the_columns_that_are_explained(study: pimmi.Study) -> None:
    assert study.links().column_names == list(TABLES["links"].columns)
    assert study.cluster_table().column_names == list(TABLES["clusters"].columns)
    assert study.images().column_names == list(TABLES["images"].columns)


def test_links_and_clusters_are_those_of_the_truth(corpus: Path, study: pimmi.Study) -> None:
    links, clusters = study.links().to_pylist(), study.cluster_table().to_pylist()
    found = evaluate(
        read_truth(corpus / "truth.csv"),
        [(link["query_path"], link["result_path"]) for link in links],
        {row["path"]: row["cluster_id"] for row in clusters},
    )
    assert found.mean_recall > 0.8
    assert found.edge_precision > 0.9
    assert found.bcubed_precision > 0.95


def test_clusters_agree_with_their_table_and_their_links(study: pimmi.Study) -> None:
    rows = study.cluster_table().to_pylist()
    clusters = list(study.clusters())
    assert [cluster.rank for cluster in clusters] == list(range(1, len(clusters) + 1))
    assert [len(cluster.paths) for cluster in clusters] == sorted(
        (len(cluster.paths) for cluster in clusters), reverse=True
    )
    assert [(row["path"], row["cluster_size"]) for row in rows] == [
        (path, len(cluster.paths)) for cluster in clusters for path in cluster.paths
    ]
    for cluster in clusters:
        assert cluster.paths == sorted(cluster.paths)
        stands = [row["path"] for row in rows if row["cluster_id"] == cluster.id and row["representative"]]
        assert stands == [cluster.representative_path]


def test_a_representative_is_no_crop_of_another_member(study: pimmi.Study) -> None:
    stands = {cluster.representative_path for cluster in study.clusters()}
    for link in study.links().to_pylist():
        if link["type"] == "copy" and link["relation"] == "contained":
            assert link["query_path"] not in stands or link["result_path"] not in stands
    sizes = {
        row["path"]: row["width"] * row["height"] for row in study.images().to_pylist() if row["image_id"]
    }
    for cluster in study.clusters():
        assert sizes[cluster.representative_path] >= np.median([sizes[path] for path in cluster.paths])


def test_elements_and_memberships_fit_together(study: pimmi.Study) -> None:
    elements = {row["element_id"]: row for row in study.elements().to_pylist()}
    members = study.memberships().to_pylist()
    sizes = {row["path"]: (row["width"], row["height"]) for row in study.images().to_pylist()}
    counts = Counter(row["element_id"] for row in members)
    assert counts == {name: row["size"] for name, row in elements.items()}
    for row in elements.values():
        assert (
            sum(row[name] for name in ("plain", "mirror", "negative", "mirror_negative")) == row["size"] >= 2
        )
    for row in members:
        width, height = sizes[row["path"]]
        assert 0 <= row["x0"] < row["x1"] <= width
        assert 0 <= row["y0"] < row["y1"] <= height
        assert 0 < row["coverage"] <= 1
        if row["path"] == elements[row["element_id"]]["representative_path"]:
            assert [row[name] for name in ("a11", "a12", "tx", "a21", "a22", "ty")] == [1, 0, 0, 0, 1, 0]
    main = Counter(row["image_id"] for row in members if row["main"])
    assert set(main.values()) == {1}


def test_degrees_count_files(study: pimmi.Study) -> None:
    """Every file of an image is linked to every file of the images that it is linked to, and to its twins."""
    image = {row["path"]: row["image_id"] for row in study.images().to_pylist()}
    rows = study.cluster_table().to_pylist()
    linked = {
        frozenset((image[link["query_path"]], image[link["result_path"]]))
        for link in study.links().to_pylist()
    }
    for row in rows:
        members = [other for other in rows if other["cluster_id"] == row["cluster_id"] and other is not row]
        assert row["degree"] == sum(
            frozenset((row["image_id"], other["image_id"])) in linked for other in members
        )


def test_the_summary_counts_what_the_tables_hold(study: pimmi.Study) -> None:
    summary = study.summary()
    assert (summary.files, summary.images, summary.exact_duplicates, summary.unreadable) == (51, 45, 3, 3)
    assert summary.links + summary.common_links == len(study.links())
    assert summary.clustered_images == len(study.cluster_table())
    first = next(study.clusters())
    assert summary.largest[0] == (first.id, len(first.paths), first.representative_path)


def path_of(study: pimmi.Study, data: bytes) -> str:
    from pimmi.images.identify import image_id

    rows = study.images().to_pylist()
    return next(str(row["path"]) for row in rows if row["image_id"] == image_id(data))


def test_search_of_a_crop_finds_where_it_was(study: pimmi.Study, tmp_path: Path) -> None:
    left, top, width, height = 90, 40, 260, 250
    crop = load_picture("astronaut")[top : top + height, left : left + width]
    wanted = tmp_path / "crop.png"
    wanted.write_bytes(encode_jpeg(crop.copy(), quality=85))
    original = path_of(study, source("astronaut").read())
    hits = {hit.path: hit for hit in study.search(wanted)}
    hit = hits[original]
    assert hit.variant == "plain"
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
    transform = np.reshape(hit.transform, (2, 3))
    np.testing.assert_allclose(
        corners @ transform[:, :2].T + transform[:, 2], corners + np.array([left, top]), atol=6
    )
    assert hit.query_coverage > hit.result_coverage
    assert [hit.score for hit in hits.values()] == sorted((hit.score for hit in hits.values()), reverse=True)


def test_search_of_a_mirrored_image_tells_so(study: pimmi.Study, tmp_path: Path) -> None:
    picture = load_picture("cat")
    width = picture.shape[1]
    wanted = tmp_path / "mirrored.jpg"
    wanted.write_bytes(encode_jpeg(picture[:, ::-1].copy(), quality=80))
    original = path_of(study, source("cat").read())
    (hit,) = (hit for hit in study.search(wanted) if hit.path == original)
    assert hit.variant == "mirror"
    np.testing.assert_allclose(hit.transform, (-1, 0, width, 0, 1, 0), atol=6)
    np.testing.assert_allclose(hit.transform[0], -1, atol=0.03)


def test_search_of_an_image_of_the_study_finds_itself_first(corpus: Path, study: pimmi.Study) -> None:
    first = min((corpus / "images").glob("????????????.jpg"))
    hits = study.search(first)
    assert [hit.path for hit in hits[:3]] == [first.name, "more/twice 0.jpg", "more/twice 1.jpg"]
    assert hits[0].transform == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    linked = {
        path
        for link in study.links().to_pylist()
        for path in (link["query_path"], link["result_path"])
        if first.name in (link["query_path"], link["result_path"]) and path != first.name
    }
    images = {row["path"]: row["image_id"] for row in study.images().to_pylist()}
    assert {hit.image_id for hit in hits} == {images[path] for path in linked} | {images[first.name]}
    assert study.search(first, limit=2) == hits[:2]


def test_search_agrees_with_the_links_in_both_directions(corpus: Path, study: pimmi.Study) -> None:
    links = [link for link in study.links().to_pylist() if link["score"] != 1000.0][:12]
    assert len(links) == 12
    for link in links:
        forth = {hit.path: hit for hit in study.search(corpus / "images" / link["query_path"], limit=99)}
        back = {hit.path: hit for hit in study.search(corpus / "images" / link["result_path"], limit=99)}
        one, other = forth[link["result_path"]], back[link["query_path"]]
        transform = [link[name] for name in ("a11", "a12", "tx", "a21", "a22", "ty")]
        np.testing.assert_allclose(one.transform, transform)
        squares = [np.vstack([np.reshape(hit.transform, (2, 3)), [0, 0, 1]]) for hit in (one, other)]
        np.testing.assert_allclose(squares[0] @ squares[1], np.eye(3), atol=1e-6)
        for hit, query, result in ((one, "query", "result"), (other, "result", "query")):
            assert hit.query_coverage == pytest.approx(link[f"{query}_coverage"])
            assert hit.result_coverage == pytest.approx(link[f"{result}_coverage"])
            assert hit.score == pytest.approx(link["score"])
            assert hit.variant == link["variant"]


def test_search_refuses_what_is_no_image(study: pimmi.Study, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not an image")
    with pytest.raises(pimmi.UnreadableImage, match="not an image"):
        study.search(tmp_path / "text.jpg")
    with pytest.raises(pimmi.UnreadableImage, match="no longer there"):
        study.search(tmp_path / "nowhere.jpg")


@pytest.mark.skipif(os.cpu_count() == 1, reason="there is one core")
def test_a_query_is_described_in_one_thread(
    corpus: Path, study: pimmi.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []

    def noted(*arguments: Any, **named: Any) -> Shard:
        used.extend(each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas")
        return describe(*arguments, **named)

    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setattr("pimmi.pipeline.searching.describe", noted)
    with threadpool_limits(2, user_api="blas"):
        assert study.search(min((corpus / "images").glob("????????????.jpg")))
    assert used and set(used) == {1}
