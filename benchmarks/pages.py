"""How fast the pages answer on a large study, and how much memory their server takes.

    python benchmarks/pages.py --images 100000 --clusters 20000

Makes a study with made-up links in a temporary folder (or --study, where it is kept), with a thumbnail of a real
picture for each image, serves it with `pimmi ui`, and asks for each page many times, one after the other. With a
Chromium, the time until the first page is painted is measured as well.
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
from numpy.typing import NDArray

from pimmi.demo.pictures import ORIGINALS, OTHERS, load_picture
from pimmi.demo.raster import encode_jpeg
from pimmi.index.codebook import VERSION, load_codebook
from pimmi.index.points import OTHER, RECORD, Points
from pimmi.settings import GroupingSettings, MatchingSettings, Settings
from pimmi.study.description import Description
from pimmi.study.files import FILES_COLUMNS, FILES_SCHEMA, write_files
from pimmi.study.groups import (
    BOX,
    COMMON_SCHEMA,
    ELEMENTS_SCHEMA,
    MEMBERSHIPS_SCHEMA,
    VARIANT_COUNTS,
    GroupTables,
    write_groups,
)
from pimmi.study.images import IMAGES_COLUMNS, IMAGES_SCHEMA
from pimmi.study.layout import StudyFolder
from pimmi.study.links import LINKS_COLUMNS, LINKS_SCHEMA, TRANSFORM, write_links
from pimmi.study.writing import write_array, write_parquet
from pimmi.web.thumbs import small_webp

POINTS = 300
EVERY_PAIR = 8
"""Images up to which all pairs of a cluster are linked; larger ones have a few links an image."""
LINKS_AN_IMAGE = 4
COMMON_ELEMENTS, IMAGES_OF_A_COMMON_ONE = 200, 20
CORNER, EVERYWHERE = np.uint64(0x0303), np.uint64(2**64 - 1)
"""Cells of an image: two by two at the top left, and all."""
WARM_UP = 5
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def make_study(root: Path, *, images: int, clusters: int, shard_images: int, seed: int) -> None:
    """Write the study; all shards have the same points, and all images one of a few hundred thumbnails."""
    random = np.random.default_rng(seed)
    folder = StudyFolder(root)
    root.mkdir(parents=True)
    settings = Settings()
    Description(settings=settings, codebook_version=VERSION, codebook_hash=load_codebook().hash).write(folder)
    ids = np.sort(np.array([random.bytes(16).hex() for _ in range(images)]))
    _write_shards(folder, ids, shard_images, random)
    write_files(_files(ids, random), folder)
    owners = _owners(images, clusters, random)
    query, result = _linked(owners, random)
    common = np.sort(random.integers(0, images, (COMMON_ELEMENTS, IMAGES_OF_A_COMMON_ONE)), axis=1)
    weak = _weak_links(common, known=query * images + result, images=images)
    _write_links(folder, query, result, weak, images, shard_images, random)
    _write_groups(folder, ids, owners, query, result, common)
    _write_thumbs(root / "thumbs", ids, random)
    _write_posts(root / "posts.csv", ids, random)


def _write_shards(
    folder: StudyFolder, ids: NDArray[Any], shard_images: int, random: np.random.Generator
) -> None:
    total = shard_images * POINTS
    records = random.integers(0, 256, (total, RECORD), dtype=np.uint8)
    records[:, 5] &= 0b11111  # the first shape: all probes have that
    forms = int(Points(records, np.zeros((0, OTHER), np.uint8)).other_counts.sum())
    arrays: dict[str, NDArray[Any]] = {
        "records": records,
        "others": random.integers(0, 256, (forms, OTHER), dtype=np.uint8),
        "offsets": np.arange(shard_images + 1, dtype=np.int64) * POINTS,
        "signatures": random.integers(0, 1 << 63, (shard_images, 2), dtype=np.uint64),
        "thumbnails": np.zeros(shard_images * 128 * 96, np.uint8),
    }
    for number, start in enumerate(range(0, len(ids), shard_images)):
        shard = folder.shard(number)
        shard.mkdir(parents=True)
        own = ids[start : start + shard_images]
        write_parquet(_images(own), shard / "images.parquet")
        for name, array in arrays.items():
            if number == 0:
                write_array(array, shard / f"{name}.npy")
            else:
                os.link(folder.shard(0) / f"{name}.npy", shard / f"{name}.npy")


def _images(ids: NDArray[Any]) -> pa.Table:
    sizes = {"width": 640, "height": 480, "working_width": 256, "working_height": 192}
    sizes |= {"thumbnail_width": 128, "thumbnail_height": 96, "bytes": 50_000, "nb_points": POINTS}
    columns = {name: pa.array(np.full(len(ids), sizes.get(name, 0)), IMAGES_COLUMNS[name]) for name in sizes}
    columns |= {"image_id": pa.array(ids.tolist()), "format": pa.array(["jpeg"] * len(ids))}
    return pa.table([columns[name] for name in IMAGES_SCHEMA.names], schema=IMAGES_SCHEMA)


def _files(ids: NDArray[Any], random: np.random.Generator) -> pa.Table:
    count = len(ids)
    paths = [
        f"2024/{place % 12 + 1:02}/post-{number}.jpg"
        for place, number in enumerate(random.permutation(count))
    ]
    values: dict[str, Any] = {
        "path": paths,
        "bytes": np.full(count, 50_000),
        "mtime_ns": np.zeros(count, np.int64),
        "image_id": ids.tolist(),
        "reason": [None] * count,
        "root": ["/away"] * count,
    }
    return pa.table(
        [pa.array(values[name], kind) for name, kind in FILES_COLUMNS.items()], schema=FILES_SCHEMA
    )


def _owners(images: int, clusters: int, random: np.random.Generator) -> NDArray[np.int64]:
    """The cluster of each image, -1 for none: many of two images, and a few of thousands."""
    sizes = 2 + np.minimum(random.pareto(1.3, clusters), 3000).astype(np.int64)
    while sizes.sum() > 0.95 * images:
        sizes[np.argmax(sizes)] //= 2
    owners = np.full(images, -1)
    owners[: sizes.sum()] = np.repeat(np.arange(clusters), sizes)
    return random.permutation(owners)


def _linked(
    owners: NDArray[np.int64], random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.argsort(owners, kind="stable")
    order = order[owners[order] >= 0]
    starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
    pairs: list[NDArray[np.int64]] = []
    for members in np.split(order, starts[1:]):
        if len(members) <= EVERY_PAIR:
            first, second = np.triu_indices(len(members), 1)
        else:
            first = np.repeat(np.arange(len(members)), LINKS_AN_IMAGE)
            second = random.integers(0, len(members), len(first))
            second[::LINKS_AN_IMAGE] = (first[::LINKS_AN_IMAGE] + 1) % len(members)
        pairs.append(np.column_stack([members[first], members[second]]))
    together = np.sort(np.concatenate(pairs), axis=1)
    together = np.unique(together[together[:, 0] < together[:, 1]], axis=0)
    return together[:, 0], together[:, 1]


def _weak_links(
    common: NDArray[np.int64], *, known: NDArray[np.int64], images: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of the images that show a common element, save those that are linked already."""
    first, second = np.triu_indices(common.shape[1], 1)
    low, high = common[:, first].ravel(), common[:, second].ravel()
    keys = np.setdiff1d(low * images + high, known)
    keys = keys[keys // images != keys % images]
    return keys // images, keys % images


def _write_links(
    folder: StudyFolder,
    query: NDArray[np.int64],
    result: NDArray[np.int64],
    weak: tuple[NDArray[np.int64], NDArray[np.int64]],
    images: int,
    shard_images: int,
    random: np.random.Generator,
) -> None:
    """Write the links of copies, which show the same everywhere, and weak ones, which agree in a corner."""
    faint = np.arange(len(query) + len(weak[0])) >= len(query)
    query, result = np.concatenate([query, weak[0]]), np.concatenate([result, weak[1]])
    count = len(query)
    agreement, coverage = random.uniform(0.4, 1, count), random.uniform(0.2, 1, (2, count))
    columns: dict[str, NDArray[Any]] = {
        "query_shard": query // shard_images,
        "query_row": query % shard_images,
        "result_shard": result // shard_images,
        "result_row": result % shard_images,
        "change": random.choice(4, count, p=[0.85, 0.1, 0.03, 0.02]),
        "score": random.uniform(6, 300, count),
        "inliers": random.integers(6, 200, count),
        "a11": np.ones(count),
        "a22": np.ones(count),
        "query_coverage": coverage[0],
        "result_coverage": coverage[1],
        "relation": random.choice(4, count, p=[0.5, 0.2, 0.2, 0.1]),
        "agreement": agreement,
        "conflict": 1 - agreement,
        "confidence": np.where(faint, 0.1, random.uniform(0.5, 1, count)),
    }
    columns["agreement"][faint], columns["conflict"][faint] = 0.1, 0.9
    for image in ("query", "result"):
        columns[f"{image}_part"] = np.where(faint, CORNER, EVERYWHERE)
        columns[f"{image}_other"] = np.where(faint, EVERYWHERE ^ CORNER, np.uint64(0))
    arrays = [
        pa.array(columns.get(name, np.zeros(count)), None).cast(kind) for name, kind in LINKS_COLUMNS.items()
    ]
    table = pa.table(arrays, schema=LINKS_SCHEMA)
    shards = -(-images // shard_images)
    keys = columns["query_shard"] * shards + columns["result_shard"]
    order = np.argsort(keys, kind="stable")
    for first in range(shards):
        for second in range(first, shards):
            start, end = np.searchsorted(keys[order], [first * shards + second, first * shards + second + 1])
            write_links(table.take(order[start:end]), folder, pair=(first, second))


def _write_groups(
    folder: StudyFolder,
    ids: NDArray[Any],
    owners: NDArray[np.int64],
    query: NDArray[np.int64],
    result: NDArray[np.int64],
    common: NDArray[np.int64],
) -> None:
    """One element for each cluster, which is all of its images, and some `common` ones in random images."""
    degree = np.bincount(np.concatenate([query, result]), minlength=len(ids))
    order = np.lexsort((np.arange(len(ids)), owners))
    order = order[owners[order] >= 0]
    starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
    sizes = np.diff([*starts, len(order)])
    quality = np.bincount(owners[order], degree[order]) / (sizes * (sizes - 1))
    clusters = pa.table({
        "image_id": pa.array(ids[order].tolist()),
        "cluster_id": pa.array(ids[np.repeat(order[starts], sizes)].tolist()),
        "degree": pa.array(degree[order], pa.int32()),
        "quality": pa.array(quality[owners[order]]),
        "representative": pa.array(np.isin(np.arange(len(order)), starts)),
    })  # fmt: skip
    own = [order[start : start + size] for start, size in zip(starts, sizes, strict=True)]
    tables = GroupTables(
        clusters,
        *_elements(ids, [*own, *(np.unique(images) for images in common)], first_common=len(own)),
        COMMON_SCHEMA.empty_table(),
    )
    write_groups(tables, folder, settings=GroupingSettings(), matching=MatchingSettings())


def _elements(
    ids: NDArray[Any], images: list[NDArray[np.int64]], *, first_common: int
) -> tuple[pa.Table, pa.Table]:
    """The elements, given by the images that show each, and the memberships; common ones are in the top left."""
    sizes = np.array([len(held) for held in images])
    common = np.arange(len(images)) >= first_common
    names = [f"{ids[held[0]]}.{max(1, place - first_common + 2)}" for place, held in enumerate(images)]
    boxes = np.where(common[:, None], [0.0, 0.0, 160.0, 120.0], [0.0, 0.0, 640.0, 480.0])
    first = [ids[held[0]] for held in images]
    about = {
        "element_id": names, "size": sizes, "kind": np.where(common, "mark", "picture").tolist(),
        "common": common, "representative": first, **dict(zip(BOX, boxes.T, strict=True)),
        **{name: np.zeros(len(images)) for name in VARIANT_COUNTS}, "plain": sizes,
    }  # fmt: skip
    of = np.repeat(np.arange(len(images)), sizes)
    members = {
        "image_id": ids[np.concatenate(images)].tolist(), "element_id": [names[one] for one in of.tolist()],
        **dict(zip(BOX, boxes[of].T, strict=True)), "coverage": np.where(common, 1 / 16, 1.0)[of],
        **dict.fromkeys(TRANSFORM, np.zeros(len(of))), "a11": np.ones(len(of)), "a22": np.ones(len(of)),
        "main": ~common[of],
    }  # fmt: skip
    elements, memberships = (
        pa.table([pa.array(columns[field.name]).cast(field.type) for field in schema], schema=schema)
        for schema, columns in ((ELEMENTS_SCHEMA, about), (MEMBERSHIPS_SCHEMA, members))
    )
    in_order: Any = [("element_id", "ascending"), ("image_id", "ascending")]
    return elements.sort_by("element_id"), memberships.sort_by(in_order)


def _write_thumbs(folder: Path, ids: NDArray[Any], random: np.random.Generator) -> None:
    made = []
    for name in (*ORIGINALS, *OTHERS):
        picture = load_picture(name)
        for _ in range(10):
            height, width = picture.shape[:2]
            top, left = random.integers(0, height // 3), random.integers(0, width // 3)
            part = picture[top : top + height // 2, left : left + width // 2]
            made.append(small_webp(encode_jpeg(part, quality=90), size=256, max_pixels=10**9))
    folder.mkdir()
    for number, data in enumerate(made):
        (folder / f"{number}.webp").write_bytes(data)
    for place, name in enumerate(ids.tolist()):
        (folder / name[:2]).mkdir(exist_ok=True)
        os.link(folder / f"{place % len(made)}.webp", folder / name[:2] / f"{name}.webp")


def _write_posts(path: Path, ids: NDArray[Any], random: np.random.Generator) -> None:
    count = len(ids)
    files = pa.array([f"2024/{place % 12 + 1:02}/post-{place}.jpg" for place in range(count)])
    days = np.datetime64("2024-01-01") + random.integers(0, 365, count)
    platforms = np.array(["X", "Telegram", "Facebook", "4chan"])[random.integers(0, 4, count)]
    texts = [f"words of post {number}" for number in range(count)]
    table = {
        "path": files,
        "created_at": pa.array(days),
        "platform": pa.array(platforms.tolist()),
        "text": texts,
    }
    pcsv.write_csv(pa.table(table), path)


@contextmanager
def served(study: Path) -> Iterator[tuple[str, int, float]]:
    """The address of the pages, the number of their process, and how long it took to be there, in seconds."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "pimmi", "ui", str(study), "--no-browser", "--port", "0"]
    command += ["--metadata", str(study / "posts.csv")] if (study / "posts.csv").exists() else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        urlopen(f"{address}api/study").read()
        try:
            yield address, process.pid, time.perf_counter() - begin
        finally:
            process.terminate()


def ask(address: str) -> tuple[Any, float]:
    """What an address answers, and after how many milliseconds."""
    begin = time.perf_counter()
    with urlopen(address) as response:
        data = response.read()
    took = 1000 * (time.perf_counter() - begin)
    return (json.loads(data) if response.headers["content-type"] == "application/json" else None), took


def send(address: str, body: Any) -> float:
    """After how many milliseconds a change is applied."""
    begin = time.perf_counter()
    request = Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request) as response:
        response.read()
    return 1000 * (time.perf_counter() - begin)


def measure(address: str, *, times: int, seed: int) -> dict[str, list[float]]:
    """Milliseconds of each request, by kind of page."""
    random = np.random.default_rng(seed)
    total = ask(f"{address}api/clusters")[0]["pages"]
    shown: list[dict[str, Any]] = []
    for page in [1, *random.integers(1, total + 1, 20).tolist()]:
        shown += ask(f"{address}api/clusters?page={page}")[0]["clusters"]
    links = [
        link
        for cluster in shown[::7]
        for link in ask(f"{address}api/clusters/{cluster['id']}/links")[0]["links"][:3]
    ]

    def any_of(values: list[Any]) -> Any:
        return values[int(random.integers(len(values)))]

    def judge() -> float:
        link = any_of(links)
        body = [{"kind": "link", "first": link["first"], "second": link["second"], "value": "rejected"}]
        return send(f"{address}api/decisions", body)

    asked: dict[str, Callable[[], float]] = {
        "overview": lambda: ask(f"{address}api/clusters?page={random.integers(1, total + 1)}")[1],
        "sorted by date": lambda: ask(f"{address}api/clusters?sort=newest&page={random.integers(1, 50)}")[1],
        "filter": lambda: ask(
            f"{address}api/clusters?variant=mirror&relation=contained&size_min={random.integers(2, 9)}"
        )[1],
        "text": lambda: ask(f"{address}api/clusters?q=post-{random.integers(10, 999)}")[1],
        "metadata": lambda: ask(f"{address}api/clusters?m.platform={any_of(['X', 'Telegram'])}")[1],
        "figures": lambda: ask(f"{address}api/figures?size_min={random.integers(2, 9)}")[1],
        "cluster": lambda: ask(f"{address}api/clusters/{any_of(shown)['id']}")[1],
        "largest cluster": lambda: ask(f"{address}api/clusters/{shown[0]['id']}")[1],
        "common elements": lambda: ask(f"{address}api/elements")[1],
        "proof": lambda: ask("{}api/links/{first}/{second}".format(address, **any_of(links)))[1],
        "thumbnail": lambda: ask(f"{address}thumbs/{any_of(shown)['representative']}.webp")[1],
    }
    found = {}
    for name, one in asked.items():
        for _ in range(WARM_UP):
            one()
        found[name] = [one() for _ in range(times)]
    found["decision"] = [judge() for _ in range(20)]
    found["undo"] = [send(f"{address}api/decisions/undo", None) for _ in range(20)]
    return found


def painted(address: str) -> tuple[float, float] | None:
    """Milliseconds until something is painted, and until the pictures of the first screen are there."""
    chromium = os.environ.get("PIMMI_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=True)
        begin = time.perf_counter()
        page.goto(address)
        page.wait_for_function(
            "[...document.querySelectorAll('.card img')].slice(0, 8).filter(i => i.naturalWidth).length == 8"
        )
        pictures = 1000 * (time.perf_counter() - begin)
        first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        browser.close()
    return float(first), pictures


def memory_mb(process: int, name: str) -> float:
    """Memory of a process from /proc, in MB: VmRSS, or VmHWM at its highest."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the pages on a large made-up study.")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--clusters", type=int, default=20_000)
    parser.add_argument("--shard-images", type=int, default=2000)
    parser.add_argument("--times", type=int, default=100, help="requests of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--study", type=Path, help="where to make and keep the study; used as it is if it is there"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pimmi-pages-") as scratch:
        study = arguments.study or Path(scratch) / f"study-{secrets.token_hex(2)}"
        if not study.exists():
            make_study(
                study,
                images=arguments.images,
                clusters=arguments.clusters,
                shard_images=arguments.shard_images,
                seed=arguments.seed,
            )
        with served(study) as (address, process, start):
            seen = painted(address)
            found = measure(address, times=arguments.times, seed=arguments.seed)
            print(f"started in {start:.1f} s, memory {memory_mb(process, 'VmRSS'):.0f} MB,", end=" ")
            print(f"at most {memory_mb(process, 'VmHWM'):.0f} MB")
    print(f"\n{'milliseconds':<18}{'median':>8}{'p95':>8}{'most':>8}")
    for name, values in found.items():
        print(f"{name:<18}{np.median(values):8.0f}{np.percentile(values, 95):8.0f}{max(values):8.0f}")
    if seen is None:
        print("no Chromium: painting isn't measured")
    else:
        print(f"first paint {seen[0]:.0f} ms, pictures of the first screen {seen[1]:.0f} ms")


if __name__ == "__main__":
    main()
