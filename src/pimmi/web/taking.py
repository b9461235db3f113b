"""What a person takes away: some clusters as a table, a graph, or the images with a contact sheet."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw, ImageFont

from pimmi.errors import PimmiError
from pimmi.matching.blocks import RELATIONS
from pimmi.outputs.export import write_table
from pimmi.study.tables import VARIANTS
from pimmi.web.clusters import Clusters, Ints
from pimmi.web.library import State
from pimmi.web.show import day
from pimmi.web.thumbs import Thumbs

MOST_IMAGES = 20_000
"""Images that one archive holds, at most."""
SHEET_COLUMNS, SHEET_ROWS, CELL, MARGIN, CAPTION = 5, 6, 220, 24, 34
SHEETS_AT_ONCE = 20
"""Pages of a contact sheet that are in memory at the same time."""
NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def take_table(state: State, numbers: Ints, path: Path) -> None:
    """Write a row for each file of some clusters, as CSV or Parquet: with its cluster, label, note and posts."""
    write_table(_table(state, numbers), path)


def _table(state: State, numbers: Ints) -> pa.Table:
    clusters, catalogue = state.clusters, state.catalogue
    place = np.full(len(clusters) + 1, -1)
    place[numbers] = np.arange(len(numbers))
    order = place[clusters.cluster[catalogue.file_ranks]]
    files = np.flatnonzero((order >= 0) & (clusters.cluster[catalogue.file_ranks] >= 0))
    files = files[np.argsort(order[files], kind="stable")]
    ranks = catalogue.file_ranks[files]
    owner = clusters.cluster[ranks]
    held = catalogue.readable_files.take(files)
    columns: dict[str, Any] = {
        "path": held.column("path"),
        "image_id": held.column("image_id"),
        "cluster_id": pa.array(clusters.names[owner].astype(str).tolist(), pa.string()),
        "cluster_size": pa.array(clusters.files[owner]),
        "quality": pa.array(clusters.quality[owner]),
        "representative": pa.array(clusters.representative[owner] == ranks),
        "degree": pa.array(clusters.degree[ranks]),
        "width": catalogue.images.column("width").take(ranks),
        "height": catalogue.images.column("height").take(ranks),
        "label": pa.array([clusters.labels.get(number) for number in owner.tolist()], pa.string()),
        "note": pa.array([clusters.notes.get(number) for number in owner.tolist()], pa.string()),
        "checked": pa.array(clusters.checked[owner]),
    }
    if state.posts is not None:
        first, last = (np.asarray(moments)[ranks] for moments in state.posts.dates)
        columns["posts"] = pa.array([state.posts.count(rank) for rank in ranks.tolist()], pa.int64())
        columns["first_post"] = pa.array([day(moment) for moment in first], pa.string())
        columns["last_post"] = pa.array([day(moment) for moment in last], pa.string())
    return pa.table(columns)


def take_posts(state: State, numbers: Ints, path: Path) -> None:
    """Write the rows of the user's table whose image is in some clusters, each with its image, cluster and label.

    Raises PimmiError if there is no table.
    """
    if state.posts is None:
        raise PimmiError("there is no table of posts to take away: add one first")
    clusters, posts = state.clusters, state.posts
    owner = clusters.cluster[posts.image]
    held = np.flatnonzero((owner >= 0) & np.isin(owner, numbers))
    table, owner = posts.table.take(held), owner[held]
    added = {
        "pimmi_image": clusters.catalogue.ids[posts.image[held]].astype(str).tolist(),
        "pimmi_cluster": clusters.names[owner].astype(str).tolist(),
        "pimmi_label": [clusters.labels.get(number) for number in owner.tolist()],
    }
    for name, column in added.items():
        table = table.append_column(name, pa.array(column, pa.string()))
    write_table(table, path)


def take_graph(state: State, numbers: Ints, path: Path) -> None:
    """Write the images of some clusters and the links inside them as GEXF 1.3, which Gephi reads."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(_gexf(state.clusters, numbers))


def _gexf(clusters: Clusters, numbers: Ints) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<gexf xmlns="http://gexf.net/1.3" version="1.3">\n'
    yield '<graph defaultedgetype="undirected">\n<attributes class="node">\n'
    yield '<attribute id="0" title="cluster" type="string"/>\n<attribute id="1" title="files" type="integer"/>\n'
    yield '</attributes>\n<attributes class="edge">\n<attribute id="0" title="variant" type="string"/>\n'
    yield '<attribute id="1" title="relation" type="string"/>\n</attributes>\n<nodes>\n'
    paths = clusters.catalogue.readable_files.column("path")
    for number in numbers.tolist():
        for rank in clusters.images_of(number).tolist():
            path = NOT_IN_XML.sub("\ufffd", str(paths[int(clusters.catalogue.first_files[rank])]))
            yield f'<node id="{clusters.image_id(rank)}" label={quoteattr(path)}><attvalues>'
            yield f'<attvalue for="0" value="{clusters.name(number)}"/>'
            yield f'<attvalue for="1" value="{clusters.catalogue.nb_files[rank]}"/></attvalues></node>\n'
    yield "</nodes>\n<edges>\n"
    index = clusters.index
    inside = clusters.inside[np.isin(clusters.cluster[index.query[clusters.inside]], numbers)]
    for link in inside.tolist():
        first, second = clusters.image_id(int(index.query[link])), clusters.image_id(int(index.result[link]))
        yield f'<edge source="{first}" target="{second}" weight="{index.columns["confidence"][link]:.4f}"><attvalues>'
        yield f'<attvalue for="0" value="{VARIANTS[int(index.columns["change"][link])]}"/>'
        yield f'<attvalue for="1" value="{RELATIONS[int(index.columns["relation"][link])]}"/></attvalues></edge>\n'
    yield "</edges>\n</graph>\n</gexf>\n"


def take_images(state: State, numbers: Ints, path: Path, *, thumbs: Thumbs) -> None:
    """Write a zip archive: a folder of images for each cluster, the table, and a contact sheet as PDF.

    Of an image whose file is away there is only the thumbnail. Raises PimmiError if it would hold too many images.
    """
    clusters = state.clusters
    count = int(clusters.images[numbers].sum())
    if count > MOST_IMAGES:
        raise PimmiError(
            f"{count} images are too many for an archive: choose clusters with {MOST_IMAGES} at most"
        )
    table = path.with_name("clusters.csv")
    take_table(state, numbers, table)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.write(table, "clusters.csv", zipfile.ZIP_DEFLATED)
        for place, number in enumerate(numbers.tolist(), 1):
            folder = f"{place:04}-{clusters.name(number)[:8]}"
            for position, rank in enumerate(clusters.images_of(number).tolist(), 1):
                original = thumbs.original(clusters.catalogue, rank)
                if original is not None:
                    name, data = original
                    archive.writestr(f"{folder}/{position:04}-{name}", data)
                else:
                    name = f"{folder}/{position:04}-{clusters.image_id(rank)[:8]}-thumbnail.webp"
                    archive.writestr(name, thumbs.thumb(clusters.catalogue, rank)[0])
        sheet = path.with_name("contact-sheet.pdf")
        _write_contact_sheet(clusters, numbers, sheet, thumbs=thumbs)
        archive.write(sheet, sheet.name)


def _write_contact_sheet(clusters: Clusters, numbers: Ints, path: Path, *, thumbs: Thumbs) -> None:
    """Write a PDF with the images of each cluster, the clusters one after the other."""
    cells = [(number, rank) for number in numbers.tolist() for rank in clusters.images_of(number).tolist()]
    on_page = SHEET_COLUMNS * SHEET_ROWS
    at_once = SHEETS_AT_ONCE * on_page
    for begin in range(0, max(len(cells), 1), at_once):
        part = cells[begin : begin + at_once]
        first, *others = (
            _sheet(clusters, part[start : start + on_page], thumbs)
            for start in range(0, max(len(part), 1), on_page)
        )
        first.save(path, "PDF", save_all=True, append_images=others, resolution=150, append=begin > 0)


def _sheet(clusters: Clusters, cells: list[tuple[int, int]], thumbs: Thumbs) -> Image.Image:
    size = 2 * MARGIN + SHEET_COLUMNS * CELL, 2 * MARGIN + SHEET_ROWS * (CELL + CAPTION)
    page = Image.new("RGB", size, "white")
    pen: Any = ImageDraw.Draw(page)
    font: Any = ImageFont.load_default(size=12)
    paths = clusters.catalogue.readable_files.column("path")
    for place, (number, rank) in enumerate(cells):
        left = MARGIN + place % SHEET_COLUMNS * CELL
        top = MARGIN + place // SHEET_COLUMNS * (CELL + CAPTION)
        picture = Image.open(io.BytesIO(thumbs.thumb(clusters.catalogue, rank)[0])).convert("RGB")
        picture.thumbnail((CELL - 16, CELL - 8))
        page.paste(picture, (left + (CELL - picture.width) // 2, top + CELL - picture.height))
        name = str(paths[int(clusters.catalogue.first_files[rank])]).rpartition("/")[2]
        lines = (name if len(name) <= 30 else f"{name[:14]}…{name[-15:]}", clusters.name(number)[:8])
        for line, text in enumerate(lines):
            pen.text((left + CELL / 2, top + CELL + 4 + 14 * line), text, fill="#444", font=font, anchor="ma")
    return page
