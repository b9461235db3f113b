"""What the server answers: clusters, proofs, pictures, decisions and files, and whom it answers."""

from __future__ import annotations

import csv
import io
import shutil
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from PIL import Image

import pimmi
from conftest import complete, exports
from pimmi.web.library import Library
from web.conftest import asking, posts


def first_cluster(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/clusters").json()["clusters"][0]
    return found


def members(client: httpx.Client, cluster_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/api/clusters/{cluster_id}").json()["members"]
    return found


def decide(client: httpx.Client, *decisions: tuple[str, str, str, str]) -> dict[str, Any]:
    names = ("kind", "first", "second", "value")
    answer = client.post("/api/decisions", json=[dict(zip(names, one, strict=True)) for one in decisions])
    assert answer.status_code == 200, answer.text
    outcome: dict[str, Any] = answer.json()
    return outcome


def test_the_wall_has_the_clusters_of_the_tables(client: httpx.Client, study: pimmi.Study) -> None:
    answer = client.get("/api/clusters").json()
    expected = list(study.clusters())
    assert answer["total"] == len(expected)
    assert [row["files"] for row in answer["clusters"]] == [len(cluster.paths) for cluster in expected]
    assert {row["id"] for row in answer["clusters"]} == {cluster.id for cluster in expected}
    for row, cluster in zip(answer["clusters"], expected, strict=True):
        if row["id"] == cluster.id:
            assert row["path"] in cluster.paths
            assert row["quality"] == pytest.approx(cluster.quality, abs=1e-4)


def test_a_cluster_has_its_images_each_with_what_it_is_to_another(
    client: httpx.Client, study: pimmi.Study
) -> None:
    clusters = {cluster.id: cluster for cluster in study.clusters()}
    for row in client.get("/api/clusters").json()["clusters"]:
        shown = members(client, row["id"])
        assert {member["path"] for member in shown} <= set(clusters[row["id"]].paths)
        assert sum(member["files"] for member in shown) == len(clusters[row["id"]].paths)
        assert shown[0]["id"] == row["representative"]
        assert shown[0]["link"] is None
        assert all(member["link"]["with"] in {one["id"] for one in shown} for member in shown[1:])


@pytest.mark.parametrize(
    ("parameters", "test"),
    [
        ("size_min=8", lambda row: row["files"] >= 8),
        ("size_max=7", lambda row: row["files"] <= 7),
        ("quality_min=0.9", lambda row: row["quality"] >= 0.9),
        ("variant=mirror", lambda row: "mirror" in row["variants"]),
        ("variant=negative", lambda row: "negative" in row["variants"]),
        ("relation=contained", lambda row: {"contained", "contains"} & set(row["relations"])),
    ],
)
def test_a_filter_keeps_what_it_says(client: httpx.Client, parameters: str, test: Any) -> None:
    everything = client.get("/api/clusters").json()["clusters"]
    kept = client.get(f"/api/clusters?{parameters}").json()["clusters"]
    assert [row["id"] for row in kept] == [row["id"] for row in everything if test(row)]
    assert kept


def test_quality_is_limited_above(client: httpx.Client) -> None:
    everything = client.get("/api/clusters?sort=quality").json()["clusters"]
    assert [row["quality"] for row in everything] == sorted(row["quality"] for row in everything)
    lowest = everything[0]["quality"]
    kept = client.get(f"/api/clusters?sort=quality&quality_max={lowest + 1e-6}").json()["clusters"]
    assert kept == [row for row in everything if row["quality"] == lowest]


def test_text_is_looked_for_in_paths(client: httpx.Client) -> None:
    cluster = first_cluster(client)
    name = cluster["path"].split("/")[-1]
    found = client.get("/api/clusters", params={"q": name.upper()}).json()["clusters"]
    assert [row["id"] for row in found] == [cluster["id"]]
    assert client.get("/api/clusters?q=no-such-file").json()["total"] == 0


def test_a_filter_without_sense_is_refused_in_one_sentence(client: httpx.Client) -> None:
    answer = client.get("/api/clusters?variant=upside-down")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("variant is 'upside-down': known are plain, mirror")
    assert (
        client.get("/api/clusters?size_min=many").json()["detail"] == "size_min is 'many', which is no number"
    )
    assert client.get("/api/clusters/nothing").status_code == 404
    assert client.get("/thumbs/0123.webp").status_code == 404


def test_a_proof_has_the_points_that_agree(client: httpx.Client) -> None:
    compared = 0
    for row in client.get("/api/clusters").json()["clusters"]:
        for link in client.get(f"/api/clusters/{row['id']}/links").json()["links"]:
            there = client.get(f"/api/links/{link['first']}/{link['second']}").json()
            back = client.get(f"/api/links/{link['second']}/{link['first']}").json()
            assert len(there["points"]) == pytest.approx(there["inliers"], abs=4)
            assert len(back["points"]) == pytest.approx(there["inliers"], abs=4)
            assert there["first_coverage"] == back["second_coverage"]
            a11, a12, tx, a21, a22, ty = there["transform"]
            size = max(there["second"]["width"], there["second"]["height"])
            for x, y, u, v in there["points"]:
                assert abs(a11 * x + a12 * y + tx - u) + abs(a21 * x + a22 * y + ty - v) < 0.1 * size
            for x, y in there["first_outline"]:
                assert -1 <= x <= there["first"]["width"] + 1
                assert -1 <= y <= there["first"]["height"] + 1
            compared += 1
    assert compared > 50


def test_links_say_what_one_image_is_to_the_other_as_the_table_does(
    client: httpx.Client, library: Library, study: pimmi.Study
) -> None:
    turned = {"contains": "contained", "contained": "contains"}
    ids = {str(row["path"]): str(row["image_id"]) for row in study.images().to_pylist()}
    seen = set()
    for row in study.links().to_pylist():
        if row["relation"] == "identical":
            continue
        first, second = ids[row["query_path"]], ids[row["result_path"]]
        there = client.get(f"/api/links/{first}/{second}").json()
        back = client.get(f"/api/links/{second}/{first}").json()
        assert (there["relation"], there["type"]) == (row["relation"], row["type"])
        assert back["relation"] == turned.get(row["relation"], row["relation"])
        seen.add(row["relation"])
    assert {"same", "contains", "contained"} <= seen


def test_the_representative_is_that_of_the_tables_and_comes_first(
    client: httpx.Client, study: pimmi.Study
) -> None:
    expected = {
        row["cluster_id"]: row["image_id"]
        for row in study.cluster_table().to_pylist()
        if row["representative"]
    }
    found = client.get("/api/clusters").json()["clusters"]
    assert {row["id"]: row["representative"] for row in found} == expected
    assert all(members(client, row["id"])[0]["id"] == row["representative"] for row in found)


def test_images_that_are_not_linked_have_no_proof(client: httpx.Client) -> None:
    first, second = client.get("/api/clusters").json()["clusters"][:2]
    answer = client.get(f"/api/links/{first['representative']}/{second['representative']}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "these two images are not linked"


def test_a_rejected_image_leaves_its_cluster_at_once_and_undo_brings_it_back(client: httpx.Client) -> None:
    cluster = first_cluster(client)
    before = client.get("/api/clusters").json()
    removed = members(client, cluster["id"])[-1]["id"]
    links = [
        (link["first"], link["second"])
        for link in client.get(f"/api/clusters/{cluster['id']}/links").json()["links"]
        if removed in (link["first"], link["second"])
    ]
    outcome = decide(client, *(("link", *pair, "rejected") for pair in links))
    assert outcome["clusters"][removed] is None
    assert removed not in {member["id"] for member in members(client, cluster["representative"])}
    assert first_cluster(client)["files"] < cluster["files"] or first_cluster(client)["id"] != cluster["id"]
    assert client.post("/api/decisions/undo").json()["clusters"][removed] == cluster["id"]
    assert client.get("/api/clusters").json() == before


def test_clusters_are_merged_and_labelled(client: httpx.Client, library: Library) -> None:
    first, second, *_ = client.get("/api/clusters").json()["clusters"]
    outcome = decide(client, ("together", first["representative"], second["representative"], "yes"))
    (merged,) = set(outcome["clusters"].values())
    assert client.get(f"/api/clusters/{merged}").json()["files"] == first["files"] + second["files"]
    decide(
        client,
        ("label", first["representative"], "", "two in one"),
        ("checked", first["representative"], "", "yes"),
    )
    (found,) = client.get("/api/clusters?label=two in one&decision=checked").json()["clusters"]
    assert (found["id"], found["label"], found["checked"]) == (merged, "two in one", True)
    assert client.get("/api/clusters?q=TWO IN").json()["total"] == 1
    pimmi.open(library.folder.root).group()
    assert client.get(f"/api/clusters/{merged}").json()["files"] == first["files"] + second["files"]


def test_what_another_process_changes_is_seen(client: httpx.Client, library: Library) -> None:
    study = pimmi.open(library.folder.root)
    totals = []
    for resolution in (1.0, 0.05):
        study.group(resolution=resolution)
        totals.append(client.get("/api/clusters").json()["total"])
        assert totals[-1] == len(list(study.clusters()))
    assert totals[0] != totals[1]


@pytest.mark.parametrize("undoes", [True, False])
def test_a_decision_or_its_undoing_is_applied_to_what_another_process_added(
    library: Library, corpus: Path, tmp_path: Path, undoes: bool
) -> None:
    clusters = library.state.clusters
    decided = clusters.images_of(0)[:2].tolist()
    pair = clusters.image_id(decided[0]), clusters.image_id(decided[1])
    library.decide([("link", *pair, "rejected")])
    (tmp_path / "new").mkdir()
    picture = Image.open(corpus / "images" / library.state.catalogue.readable_files.column("path")[0].as_py())
    for number, degrees in enumerate((4, 8)):
        turned = picture.convert("RGB").rotate(degrees, expand=True)
        turned.save(tmp_path / "new" / f"{number}.png")
    other = complete(library.folder.root, tmp_path / "new")
    if undoes:
        library.undo()
    else:
        library.decide([("link", *pair, "")])
    assert len(library.state.catalogue.images) == len(clusters.catalogue.images) + 2
    applied = exports(other, tmp_path / "applied")
    other.group()
    assert exports(other, tmp_path / "grouped") == applied


def test_no_decision_is_kept_while_another_process_works(client: httpx.Client, library: Library) -> None:
    from pimmi.study.lock import locked

    image = first_cluster(client)["representative"]
    with locked(library.folder):
        answer = client.post("/api/decisions", json=[{"kind": "checked", "first": image}])
    assert answer.status_code == 409
    assert "another process is working on" in answer.json()["detail"]
    assert client.get("/api/decisions").json()["total"] == 0


def test_nothing_is_decided_on_a_study_with_images_that_are_not_grouped(
    client: httpx.Client, library: Library, tmp_path: Path
) -> None:
    image = first_cluster(client)["representative"]
    (tmp_path / "new").mkdir()
    Image.effect_noise((300, 200), 60).save(tmp_path / "new" / "noise.png")
    pimmi.open(library.folder.root).add(tmp_path / "new", workers=1)
    answer = client.post("/api/decisions", json=[{"kind": "checked", "first": image}])
    assert answer.status_code == 400
    assert "has files that aren't grouped yet" in answer.json()["detail"]
    assert client.get("/api/decisions").json()["total"] == 0
    assert client.get("/api/clusters").status_code == 200


def test_pictures_are_made_once_and_outlive_the_originals(
    client: httpx.Client, library: Library, study: pimmi.Study, corpus: Path, tmp_path: Path
) -> None:
    shown = members(client, first_cluster(client)["id"])
    first, second = shown[0], shown[1]
    data = client.get(f"/thumbs/{first['id']}.webp").content
    assert max(Image.open(io.BytesIO(data)).size) == min(256, max(first["width"], first["height"]))
    kept = library.folder.root / "thumbs" / first["id"][:2] / f"{first['id']}.webp"
    assert kept.read_bytes() == data
    original = client.get(f"/files/{first['id']}")
    assert original.content == (corpus / "images" / first["path"]).read_bytes()
    assert original.headers["content-type"] == "image/jpeg"

    away = Library(library.folder, settings=study.settings, originals=tmp_path / "not connected")
    with asking(away) as far:
        assert far.get(f"/thumbs/{first['id']}.webp").content == data
        assert far.get(f"/previews/{first['id']}.webp").content == data
        grey = Image.open(io.BytesIO(far.get(f"/thumbs/{second['id']}.webp").content))
        assert 100 < max(grey.size) < max(Image.open(io.BytesIO(data)).size)
        assert far.get(f"/files/{first['id']}").status_code == 404
        assert far.get(f"/api/images/{first['id']}").json()["original"] is False


def test_a_file_that_changed_is_not_served_as_the_image(
    client: httpx.Client, library: Library, tmp_path: Path
) -> None:
    image = first_cluster(client)
    (tmp_path / "other" / image["path"]).parent.mkdir(parents=True)
    (tmp_path / "other" / image["path"]).write_text("something private")
    library.originals = tmp_path / "other"
    with asking(library) as served:
        assert served.get(f"/files/{image['representative']}").status_code == 404


def test_search_finds_the_original_of_a_crop_and_keeps_nothing(
    client: httpx.Client, library: Library, corpus: Path
) -> None:
    cluster = first_cluster(client)
    picture = Image.open(corpus / "images" / cluster["path"])
    width, height = picture.size
    buffer = io.BytesIO()
    picture.crop((width // 5, height // 5, width * 4 // 5, height * 4 // 5)).save(buffer, "PNG")
    before = sorted(path.relative_to(library.folder.root) for path in library.folder.root.rglob("*"))
    answer = client.post("/api/search", files={"image": ("crop.png", buffer.getvalue())}).json()
    assert {hit["second"]["cluster"] for hit in answer["hits"]} == {cluster["id"]}
    assert answer["hits"][0]["relation"] == "contained"
    assert len(answer["hits"][0]["points"]) > 20
    assert sorted(path.relative_to(library.folder.root) for path in library.folder.root.rglob("*")) == before
    refused = client.post("/api/search", files={"image": ("notes.txt", b"not an image")})
    assert refused.status_code == 400
    assert "not an image" in refused.json()["detail"]


def test_the_picture_from_which_a_part_was_cut_comes_before_its_copies(
    client: httpx.Client, corpus: Path
) -> None:
    for cluster in client.get("/api/clusters").json()["clusters"]:
        if cluster["images"] < 2:
            continue
        picture = Image.open(corpus / "images" / cluster["path"])
        width, height = picture.size
        buffer = io.BytesIO()
        picture.crop((width // 4, height // 4, width * 3 // 4, height * 3 // 4)).save(buffer, "PNG")
        answer = client.post("/api/search", files={"image": ("part.png", buffer.getvalue())}).json()
        assert len(answer["hits"]) > 1
        assert answer["hits"][0]["second"]["id"] == cluster["representative"]


def test_a_table_of_posts_gives_dates_filters_and_text(client: httpx.Client, library: Library) -> None:
    answer = client.post("/api/metadata", files={"table": ("posts.csv", posts(library))}).json()["metadata"]
    assert (answer["path_column"], answer["date_column"], answer["unknown"]) == ("image", "created_at", 0)
    assert {value for value, _ in answer["facets"]["author"]} == {"ada", "bob", "eve"}
    everything = client.get("/api/clusters").json()
    assert client.get("/api/clusters", params={"m.author": "eve"}).json()["total"] == everything["total"]
    assert client.get("/api/clusters", params={"m.author": "nobody"}).json()["total"] == 0
    newest = [row["last"] for row in client.get("/api/clusters?sort=newest").json()["clusters"]]
    assert newest == sorted(newest, reverse=True)
    first = [row["first"] for row in client.get("/api/clusters?sort=first").json()["clusters"]]
    assert first == sorted(first)
    path = everything["clusters"][0]["representative"]
    shown = client.get(f"/api/images/{path}").json()["posts"]
    assert [post["author"] for post in shown][-1] == "eve"
    assert client.get("/api/clusters", params={"q": shown[0]["text"]}).json()["total"] >= 1
    assert sum(one["count"] for one in client.get("/api/figures").json()["time"]) == 2 * everything["files"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (b"a,b\n1,2\n", "name the column that holds the path of the image by --path-column: there are a, b"),
        (
            b"path\nnowhere.jpg\n",
            "no row of the metadata has an image of the study: path holds nowhere.jpg, for example",
        ),
        (b"", "the metadata are not a table in CSV and UTF-8"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_one_sentence(
    client: httpx.Client, table: bytes, says: str
) -> None:
    answer = client.post("/api/metadata", files={"table": ("posts.csv", table)})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(says)


def test_what_is_taken_away_can_be_read(client: httpx.Client, tmp_path: Path, corpus: Path) -> None:
    cluster = client.get("/api/clusters").json()["clusters"][1]
    for kind in ("csv", "parquet", "gexf", "zip"):
        answer = client.get(f"/api/take/{kind}?cluster={cluster['id']}")
        assert answer.status_code == 200
        (tmp_path / f"taken.{kind}").write_bytes(answer.content)
    with (tmp_path / "taken.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == cluster["files"]
    assert {row["cluster_id"] for row in rows} == {cluster["id"]}
    assert pq.read_table(tmp_path / "taken.parquet").column("path").to_pylist() == [
        row["path"] for row in rows
    ]
    graph = ET.parse(tmp_path / "taken.gexf").getroot()
    space = {"g": "http://gexf.net/1.3"}
    assert len(graph.findall(".//g:node", space)) == cluster["images"]
    assert len(graph.findall(".//g:edge", space)) == cluster["links"]
    with zipfile.ZipFile(tmp_path / "taken.zip") as archive:
        names = archive.namelist()
        assert archive.read("contact-sheet.pdf").startswith(b"%PDF")
        assert len([name for name in names if "/" in name]) == cluster["images"]
        inside = next(name for name in names if name.endswith(".jpg"))
        originals = {path.read_bytes() for path in (corpus / "images").rglob("*") if path.is_file()}
        assert archive.read(inside) in originals
    everything = list(csv.DictReader(io.StringIO(client.get("/api/take/csv?size_min=8").text)))
    assert {int(row["cluster_size"]) for row in everything} == {
        row["files"] for row in client.get("/api/clusters?size_min=8").json()["clusters"]
    }


def test_every_address_is_described(client: httpx.Client) -> None:
    described = client.get("/api/openapi.json").json()
    assert {"/api/clusters", "/api/links/{first}/{second}", "/api/decisions", "/api/search"} <= set(
        described["paths"]
    )
    for path in described["paths"].values():
        assert all(operation["summary"] for operation in path.values())


def test_a_study_that_was_moved_with_its_thumbnails_needs_no_images(
    library: Library, study: pimmi.Study, tmp_path: Path
) -> None:
    shutil.move(library.folder.root, tmp_path / "moved")
    moved = Library(type(library.folder)(tmp_path / "moved"), settings=study.settings, originals=tmp_path)
    with asking(moved) as client:
        assert client.get(f"/thumbs/{first_cluster(client)['representative']}.webp").status_code == 200
