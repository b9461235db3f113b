"""What grouping and exporting cost for very many links, without the images.

    python benchmarks/group_links.py --links 1000000 [-o FOLDER] [--json FIGURES]

Makes the tables of a study that is compared, and no points: families of copies, some with collages of two of them,
frames of apps around unrelated pictures, floods of near-exact copies, and weak links of chance. Then `pimmi group` and
`pimmi export` run on it, each in processes of its own. The same number and seed give the same bytes.
"""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import pimmi
from pimmi.errors import PimmiError
from pimmi.matching.blocks import STANDING
from pimmi.study.files import FILES_SCHEMA, write_files
from pimmi.study.images import IMAGES_SCHEMA
from pimmi.study.layout import StudyFolder
from pimmi.study.links import LINKS_COLUMNS, LINKS_SCHEMA, write_links
from pimmi.study.writing import write_parquet
from process_cost import CommandFailedError, Cost, measure

IMAGES_A_SHARD = 20_000
LARGEST_FAMILY = 60
FRAMED = 40
"""Images of a frame, each of another family or of none."""
FLOOD = 2_000
"""Near-exact copies of one picture."""
SHARES = {"families": 0.7, "collages": 0.08, "frames": 0.12, "floods": 0.05, "weak": 0.05}
"""Of the links."""
LONE = 0.5
"""Images without a link, for each one that has some."""
DUPLICATES = 0.1
"""Files that are the same, byte for byte, as another one, for each image."""
TABLES = ("links", "clusters", "memberships")
ENDINGS = (".csv", ".parquet")

Ints = NDArray[np.int64]
Masks = NDArray[np.uint64]
EVERYWHERE = np.uint64(2**64 - 1)
LEFT, RIGHT = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0xF0F0F0F0F0F0F0F0)
INNER = np.uint64(0x007E7E7E7E7E7E00)


@dataclass(frozen=True, kw_only=True)
class MadeLinks:
    """Links of one kind: `ends` int64 (m, 2), numbers of images; `same` and `other`, uint64 (m, 2), where the two agree
    and differ in each; and how surely."""

    ends: Ints
    same: Masks
    other: Masks
    confidence: tuple[float, float]
    conflict: tuple[float, float]
    near: bool = False

    def __len__(self) -> int:
        return len(self.ends)


def made_links(*, links: int, rng: np.random.Generator) -> list[MadeLinks]:
    """About as many links, of all kinds; images are numbered from 0."""
    wanted = {kind: int(share * links) for kind, share in SHARES.items()}
    sizes = np.minimum(rng.zipf(1.6, size=links) + 1, LARGEST_FAMILY)
    pairs = sizes * (sizes - 1) // 2
    sizes = sizes[: int(np.searchsorted(np.cumsum(pairs), wanted["families"])) + 1]
    starts = np.cumsum(sizes) - sizes
    images = int(sizes.sum())
    families = all_pairs(starts, sizes)
    alike = rng.random(len(families)) < 0.8
    inner = np.where(alike[:, None], EVERYWHERE, INNER | LEFT)
    made = [_kind(families, same=inner, other=EVERYWHERE ^ inner, confidence=(0.8, 1), conflict=(0, 0.15))]

    halves = rng.integers(len(sizes), size=(wanted["collages"], 2))
    counts = np.cumsum(sizes[halves].sum(axis=1))
    halves = halves[: int(np.searchsorted(counts, wanted["collages"]))]
    for side, mask in ((0, LEFT), (1, RIGHT)):
        of_family = sizes[halves[:, side]]
        collage = np.repeat(images + np.arange(len(halves)), of_family)
        within = np.arange(len(collage)) - np.repeat(np.cumsum(of_family) - of_family, of_family)
        ends = np.column_stack([np.repeat(starts[halves[:, side]], of_family) + within, collage])
        same = np.tile(np.array([EVERYWHERE, mask]), (len(ends), 1))
        made.append(_kind(ends, same=same, other=~same, confidence=(0.8, 1), conflict=(0, 0.1)))
    images += len(halves)

    frames = max(wanted["frames"] // (FRAMED * (FRAMED - 1) // 2), 1)
    framed = all_pairs(images + FRAMED * np.arange(frames), np.full(frames, FRAMED))
    images += FRAMED * frames
    same = np.full((len(framed), 2), ~INNER)
    made.append(_kind(framed, same=same, other=~same, confidence=(0.5, 0.9), conflict=(0.5, 0.6)))

    floods = max(wanted["floods"] // (FLOOD * STANDING), 1)
    size = min(FLOOD, wanted["floods"] // STANDING + STANDING)
    smallest = np.arange(size)[:, None] - np.arange(size) > 0
    near = np.argwhere(smallest & (np.arange(size) < STANDING))[:, ::-1]
    ends = np.concatenate([images + size * number + near for number in range(floods)])
    images += size * floods
    same = np.full((len(ends), 2), EVERYWHERE)
    made.append(_kind(ends, same=same, other=~same, confidence=(1, 1), conflict=(0, 0), near=True))

    chance = rng.integers(int(sizes.sum()), size=(wanted["weak"], 2))
    same = np.uint64(0b1111) << rng.integers(60, size=chance.shape).astype(np.uint64)
    made.append(_kind(chance, same=same, other=~same, confidence=(0, 0.3), conflict=(0.6, 0.8)))
    return made


def _kind(
    ends: Ints,
    *,
    same: Masks,
    other: Masks,
    confidence: tuple[float, float],
    conflict: tuple[float, float],
    near: bool = False,
) -> MadeLinks:
    both = np.broadcast_to(same, (len(ends), 2)), np.broadcast_to(other, (len(ends), 2))
    return MadeLinks(
        ends=ends, same=both[0], other=both[1], confidence=confidence, conflict=conflict, near=near
    )


def all_pairs(starts: Ints, sizes: Ints) -> Ints:
    """int64 (m, 2): all pairs of numbers of each range, the smaller first."""
    found = [np.empty((0, 2), np.int64)]
    for size in np.unique(sizes).tolist():
        pairs = np.column_stack(np.triu_indices(size, 1))
        found.append((starts[sizes == size][:, None, None] + pairs).reshape(-1, 2))
    return np.concatenate(found)


def make_study(root: Path, *, links: int, seed: int) -> dict[str, int]:
    """Write the tables of a study with about as many links; returns how many images, files and links it has."""
    pimmi.open(root, create=True)
    folder = StudyFolder(root)
    rng = np.random.default_rng(seed)
    kinds = made_links(links=links, rng=rng)
    linked = 1 + max(int(kind.ends.max(initial=-1)) for kind in kinds)
    count = linked + int(LONE * linked)
    ids = _ids(count, rng)
    rank_of = rng.permutation(count)
    rank_of[_flooded(kinds)] = np.sort(rank_of[_flooded(kinds)])
    shards = rng.permutation(count) // IMAGES_A_SHARD
    rows = np.empty(count, np.int64)
    sides = rng.integers(300, 2000, size=(count, 2))
    for shard in range(int(shards.max()) + 1):
        (inside,) = np.nonzero(shards == shard)
        rows[inside] = np.arange(len(inside))
        folder.shard(shard).mkdir(parents=True)
        write_parquet(_images(ids[inside], sides[inside]), folder.shard(shard) / "images.parquet")
    files = _files(ids, rng)
    write_files(files, folder)
    table = _links(kinds, rank_of=rank_of, shards=shards, rows=rows, rng=rng)
    _write_link_files(table, folder, shards=int(shards.max()) + 1)
    return {"images": count, "files": len(files), "links": len(table)}


def _flooded(kinds: Sequence[MadeLinks]) -> Ints:
    """The images of floods, whose numbers rise as their ids do, as those stand for others that have the smallest."""
    return np.unique(np.concatenate([kind.ends.ravel() for kind in kinds if kind.near]))


def _ids(count: int, rng: np.random.Generator) -> NDArray[np.str_]:
    return np.sort(np.array([rng.bytes(16).hex() for _ in range(count)]))


def _images(ids: NDArray[np.str_], sides: Ints) -> pa.Table:
    count = len(ids)
    columns = {
        "image_id": ids.tolist(),
        "width": sides[:, 0],
        "height": sides[:, 1],
        "format": ["jpeg"] * count,
        "bytes": sides.prod(axis=1) // 8,
        "nb_points": sides.sum(axis=1) // 10,
        "working_width": sides[:, 0] // 2,
        "working_height": sides[:, 1] // 2,
        "thumbnail_width": sides[:, 0] // 8,
        "thumbnail_height": sides[:, 1] // 8,
    }
    return pa.table(
        [pa.array(columns[field.name], field.type) for field in IMAGES_SCHEMA], schema=IMAGES_SCHEMA
    )


def _files(ids: NDArray[np.str_], rng: np.random.Generator) -> pa.Table:
    """Each image in a file, and some in two."""
    again = rng.choice(len(ids), size=int(DUPLICATES * len(ids)), replace=False)
    held = np.concatenate([np.arange(len(ids)), again])
    names = rng.permutation(len(held)).tolist()
    columns = {
        "path": [f"collected/2024/{name // 1000:04}/picture-{name:08}.jpg" for name in names],
        "bytes": np.full(len(held), 50_000),
        "mtime_ns": np.zeros(len(held), np.int64),
        "image_id": ids[held].tolist(),
        "reason": [None] * len(held),
        "root": ["/data/collected"] * len(held),
    }
    table = pa.table(
        [pa.array(columns[field.name], field.type) for field in FILES_SCHEMA], schema=FILES_SCHEMA
    )
    return table.sort_by("path")


def _links(
    kinds: Sequence[MadeLinks], *, rank_of: Ints, shards: Ints, rows: Ints, rng: np.random.Generator
) -> pa.Table:
    """Rows of `LINKS_SCHEMA`, each pair of images once, the smaller id as query."""
    ends = rank_of[np.concatenate([kind.ends for kind in kinds])]
    turned = ends[:, 0] > ends[:, 1]
    sides: dict[str, Masks] = {}
    for name in ("same", "other"):
        masks = np.concatenate([getattr(kind, name) for kind in kinds])
        sides[name] = np.where(turned[:, None], masks[:, ::-1], masks)
    ends.sort(axis=1)
    _, once = np.unique(ends[:, 0] * len(rank_of) + ends[:, 1], return_index=True)
    once = once[ends[once, 0] < ends[once, 1]]

    of_kind = np.repeat(np.arange(len(kinds)), [len(kind) for kind in kinds])[once]

    def drawn(ranges: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
        low, high = np.array(ranges).T
        values: NDArray[np.float64] = rng.uniform(low[of_kind], high[of_kind])
        return values

    count = len(once)
    ends = ends[once]
    same, other = (sides[name][once] for name in ("same", "other"))
    coverage = np.bitwise_count(same) / 64
    conflict = drawn([kind.conflict for kind in kinds])
    columns = {
        "query_shard": shards[ends[:, 0]],
        "query_row": rows[ends[:, 0]],
        "result_shard": shards[ends[:, 1]],
        "result_row": rows[ends[:, 1]],
        "change": np.where(rng.random(count) < 0.03, 1, 0),
        "score": rng.uniform(5, 300, size=count),
        "inliers": rng.integers(8, 200, size=count),
        "a11": rng.uniform(0.5, 2, size=count),
        "a12": rng.normal(0, 0.01, size=count),
        "tx": rng.uniform(-50, 50, size=count),
        "a21": rng.normal(0, 0.01, size=count),
        "a22": rng.uniform(0.5, 2, size=count),
        "ty": rng.uniform(-50, 50, size=count),
        "query_coverage": coverage[:, 0],
        "result_coverage": coverage[:, 1],
        "relation": np.select([coverage[:, 0] > coverage[:, 1], coverage[:, 0] < coverage[:, 1]], [2, 1], 0),
        "agreement": 0.98 - conflict,
        "conflict": conflict,
        "query_part": same[:, 0],
        "result_part": same[:, 1],
        "query_other": other[:, 0],
        "result_other": other[:, 1],
        "confidence": drawn([kind.confidence for kind in kinds]),
        "near": np.array([kind.near for kind in kinds])[of_kind],
    }
    return pa.table(
        [pa.array(columns[name]).cast(kind) for name, kind in LINKS_COLUMNS.items()], schema=LINKS_SCHEMA
    )


def _write_link_files(links: pa.Table, folder: StudyFolder, *, shards: int) -> None:
    """One file for each pair of shards, with or without links."""
    first, second = (links.column(f"{end}_shard").to_numpy() for end in ("query", "result"))
    keys = np.minimum(first, second) * shards + np.maximum(first, second)
    order = np.argsort(keys, kind="stable")
    bounds = np.searchsorted(keys[order], np.arange(shards * shards + 1))
    for one in range(shards):
        for other in range(one, shards):
            key = one * shards + other
            part = links.take(order[bounds[key] : bounds[key + 1]])
            write_links(part, folder, pair=(one, other))


def measured(study: Path, out: Path) -> dict[str, Cost]:
    """What grouping and each export cost."""
    command = [sys.executable, "-m", "pimmi"]
    costs = {"group": measure([*command, "group", str(study), "--quiet"])}
    for table in TABLES:
        for ending in ENDINGS:
            path = out / f"{table}{ending}"
            costs[f"export {path.name}"] = measure([*command, "export", table, str(study), "-o", str(path)])
    return costs


def shown(costs: dict[str, Cost]) -> str:
    """The costs as a Markdown table."""
    lines = [
        "| | wall, s | CPU, s | peak memory, MB | of one process, MB |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {cost.wall_s:.1f} | {cost.cpu_s:.1f} | {cost.peak_memory_mb:,.0f} |"
            f" {cost.peak_process_mb:,.0f} |"
            for name, cost in costs.items()
        ),
    ]
    return "\n".join(lines)


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    if out is None:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
    else:
        out.mkdir(parents=True, exist_ok=True)
        yield out


def main() -> None:
    parser = argparse.ArgumentParser(description="What grouping and exporting cost for very many links.")
    parser.add_argument("--links", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, help="keep the study and the exports in this folder")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    arguments = parser.parse_args()
    try:
        with _folder(arguments.out) as folder:
            counts = make_study(folder / "study", links=arguments.links, seed=arguments.seed)
            print(", ".join(f"{count:,} {name}" for name, count in counts.items()), flush=True)
            costs = measured(folder / "study", folder)
    except (PimmiError, CommandFailedError) as error:
        sys.exit(str(error))
    print(shown(costs))
    if arguments.json:
        figures = {name: asdict(cost) for name, cost in costs.items()}
        about = {"python": platform.python_version(), "machine": platform.machine()}
        arguments.json.write_text(json.dumps(counts | about | {"costs": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
