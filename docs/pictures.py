"""Make the pictures of the documentation out of the study that `make demo` makes.

    python docs/pictures.py demo

Writes docs/images/cluster.jpg, an original and nine copies that one cluster holds, and docs/images/proof.jpg, two
linked images with the part that they share outlined in both. From pictures that the demo's packages ship, makes
docs/images/common.png: unrelated pictures in one frame, with what is common in them and what is their own.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import pimmi
from pimmi.demo.frames import phone
from pimmi.demo.pictures import load_picture
from pimmi.demo.raster import decode, encode_jpeg
from pimmi.evaluation import Truth, read_truth
from pimmi.grouping.evidence import Evidence
from pimmi.grouping.sharing import COMMON, Commonness, commonness
from pimmi.images.walk import walk
from pimmi.index.codebook import load_codebook
from pimmi.matching.blocks import PART_SIDE, PARTS
from pimmi.matching.match import match_blocks
from pimmi.pipeline.comparing import image_block
from pimmi.pipeline.reading import ReadTask, read_images
from pimmi.settings import Settings

Picture = NDArray[np.uint8]
Polygon = NDArray[np.float32]

ORIGINAL = "cat"
ROWS = (
    {"": "original", "emoji_two": "emoji", "screenshot": "screenshot", "perspective": "perspective",
     "meme_caption": "caption"},
    {"mirror": "mirror", "negative": "negative", "pip_50": "another picture in it", "text_over": "words",
     "crop_40": "crop"},
)  # fmt: skip
"""What to show, a row each: the kind of change in the truth (the original has none), and its label."""
PROOF = "chain_5"
FRAMED = ("coffee", "temple", "cat", "rocket", "flower", "motorcycle")
"""Pictures that are put into one frame; the first four are shown."""
FRAMED_WIDTH = 190
COMMON_SHADE, CONTENT_SHADE = (255, 150, 0), (0, 110, 255)

WIDTH, GAP, LABEL, MARGIN = 1040, 12, 24, 12
OUTLINE = (227, 26, 108)
CORNERS = ((255, 190, 11), (58, 134, 255), (6, 167, 125), (131, 56, 236))
OVERSAMPLING = 3
PAPER, INK = (255, 255, 255), (70, 70, 70)


class Demo:
    """The demo corpus, its truth and its study."""

    def __init__(self, folder: Path) -> None:
        self.images = folder / "images"
        self.truth: Truth = read_truth(folder / "truth.csv")
        self.study = pimmi.open(folder / "study")

    def shown(self, attack: str) -> str:
        """The path of the original (attack "") or of its copy of a kind, in the cluster of the original."""
        kind = "copy" if attack else "original"
        found = [
            path
            for path, image in self.truth.items()
            if ORIGINAL in image.origins and image.kind == kind and image.attack == attack
        ]
        held = [path for path in found if not attack or path in self.cluster(self.shown(""))]
        if not held:
            raise SystemExit(f"The cluster of {ORIGINAL} holds no copy of the kind {attack}.")
        return held[0]

    def picture(self, path: str) -> Picture:
        return decode((self.images / path).read_bytes())

    def cluster(self, path: str) -> list[str]:
        """The paths of the cluster that holds a file."""
        return next(cluster.paths for cluster in self.study.clusters() if path in cluster.paths)

    def transform(self, query: str, result: str) -> NDArray[np.float64]:
        """The transform (2, 3) of the link between two files, from the first to the second."""
        for row in self.study.links().to_pylist():
            if {row["query_path"], row["result_path"]} == {query, result}:
                matrix = np.array([[row["a11"], row["a12"], row["tx"]], [row["a21"], row["a22"], row["ty"]]])
                return matrix if row["query_path"] == query else _inverted(matrix)
        raise SystemExit(f"{query} and {result} are not linked.")


def cluster_picture(demo: Demo) -> Picture:
    """The original and its copies in rows of one width."""
    rows = [
        _row({label: demo.picture(demo.shown(kind)) for kind, label in row.items()}, width=WIDTH)
        for row in ROWS
    ]
    return _bordered(np.vstack(rows), MARGIN)


def proof_picture(demo: Demo) -> Picture:
    """Two linked images; what the transform lays onto each other is outlined, with corners of like colours."""
    query, result = demo.shown(""), demo.shown(PROOF)
    pictures = [demo.picture(query), demo.picture(result)]
    transform = demo.transform(query, result)
    corners = _overlap(pictures[0], pictures[1], transform)
    there = corners @ transform[:, :2].T.astype(np.float32) + transform[:, 2].astype(np.float32)
    height = 300
    shown = [
        _outlined(picture, polygon, height=height)
        for picture, polygon in zip(pictures, (corners, there), strict=True)
    ]
    return _side_by_side(shown)


def common_picture() -> Picture:
    """Pictures in a frame; cells that are common in one colour, and those that are the picture's own in another."""
    framed = [phone(load_picture(name)) for name in FRAMED]
    found = _commonness(framed)
    return _side_by_side(
        [
            _shaded(picture, common=common >= COMMON, content=content >= COMMON)
            for picture, common, content in list(zip(framed, found.common, found.content, strict=True))[:4]
        ]
    )


def _commonness(pictures: list[Picture]) -> Commonness:
    """How common the cells of pictures are, in their order; no two are of one family."""
    settings = Settings()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(folder / f"{number}.png")
        read = read_images(ReadTask(folder, tuple(walk(folder).files), frozenset(), settings))
    assert read.shard is not None
    block = image_block(read.shard, settings=settings.matching)
    links = match_blocks(block, None, settings=settings.matching, codebook=load_codebook())
    evidence = Evidence(
        images=len(block),
        queries=links.query,
        results=links.result,
        agreement=links.agreement,
        conflict=links.conflict,
        confidence=links.confidence,
        near=np.zeros(len(links), bool),
        weak=links.confidence < settings.matching.confidence_among(len(block)),
        **{part: getattr(links, part) for part in PARTS},
    )
    found = commonness(evidence, families=np.arange(len(block)))
    ids = {int(Path(file.file.path).stem): file.image_id for file in read.files}
    rows = [block.ids.index(str(ids[number])) for number in range(len(pictures))]
    return Commonness(found.common[rows], found.content[rows])


def _shaded(picture: Picture, *, common: NDArray[np.bool_], content: NDArray[np.bool_]) -> Picture:
    """The picture at FRAMED_WIDTH, with some of its cells (bool, PART_SIDE squared) in two colours."""
    height = round(picture.shape[0] * FRAMED_WIDTH / picture.shape[1])
    shaded = _resized(picture, width=FRAMED_WIDTH, height=height).copy()
    for cells, colour in ((common, COMMON_SHADE), (content & ~common, CONTENT_SHADE)):
        for row, column in zip(*np.nonzero(cells.reshape(PART_SIDE, PART_SIDE)), strict=True):
            top, below = height * row // PART_SIDE, height * (row + 1) // PART_SIDE
            left, right = FRAMED_WIDTH * column // PART_SIDE, FRAMED_WIDTH * (column + 1) // PART_SIDE
            inside = shaded[top : below - 1, left : right - 1]
            inside[:] = (0.62 * inside + 0.38 * np.array(colour)).astype(np.uint8)
    return _bordered(shaded, 1)


def _overlap(first: Picture, second: Picture, transform: NDArray[np.float64]) -> Polygon:
    """The corners, in the first picture, of what both show."""
    inverse = _inverted(transform)
    seen = _frame(second) @ inverse[:, :2].T + inverse[:, 2]
    _, polygon = cv2.intersectConvexConvex(_frame(first), seen.astype(np.float32))
    return polygon.reshape(-1, 2).astype(np.float32)


def _inverted(transform: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.invertAffineTransform(transform), dtype=np.float64)


def _frame(picture: Picture) -> Polygon:
    height, width = picture.shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def _outlined(picture: Picture, polygon: Polygon, *, height: int) -> Picture:
    """The picture at a height, dimmed outside the polygon, which is outlined."""
    scale = height * OVERSAMPLING / picture.shape[0]
    size = round(picture.shape[1] * scale), height * OVERSAMPLING
    large = _resized(picture, width=size[0], height=size[1])
    places = np.clip(np.rint(polygon * scale), 0, np.array(size) - 1).astype(np.int32)
    inside = cv2.fillPoly(np.zeros(large.shape, np.uint8), [places], (1, 1, 1))
    large = np.where(inside != 0, large, 120 + large // 2).astype(np.uint8)
    room = MARGIN * OVERSAMPLING
    large = _bordered(large, room)
    places = places + room
    cv2.polylines(large, [places], True, OUTLINE, 3 * OVERSAMPLING, cv2.LINE_AA)
    for number, place in enumerate(places.tolist()):
        cv2.circle(large, place, 8 * OVERSAMPLING, PAPER, -1, cv2.LINE_AA)
        cv2.circle(large, place, 6 * OVERSAMPLING, CORNERS[number % len(CORNERS)], -1, cv2.LINE_AA)
    return _resized(large, width=large.shape[1] // OVERSAMPLING, height=large.shape[0] // OVERSAMPLING)


def _row(pictures: dict[str, Picture], *, width: int) -> Picture:
    """Labelled pictures of one height that fill a width."""
    proportions = [picture.shape[1] / picture.shape[0] for picture in pictures.values()]
    height = round((width - GAP * (len(pictures) - 1)) / sum(proportions))
    row = np.full((height + LABEL + GAP, width, 3), PAPER, np.uint8)
    left = 0
    for (label, picture), proportion in zip(pictures.items(), proportions, strict=True):
        wide = min(round(height * proportion), width - left)
        row[:height, left : left + wide] = _resized(picture, width=wide, height=height)
        _write(row, label, left=left, top=height + 2, width=wide)
        left += wide + GAP
    return row


def _resized(picture: Picture, *, width: int, height: int) -> Picture:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def _write(canvas: Picture, text: str, *, left: int, top: int, width: int) -> None:
    image = Image.fromarray(canvas)
    font: Any = ImageFont.load_default(size=14)
    ImageDraw.Draw(image).text((left + width / 2, top), text, fill=INK, font=font, anchor="ma")
    canvas[:] = np.asarray(image)


def _side_by_side(pictures: list[Picture]) -> Picture:
    """Pictures in a row, each in the middle of the height."""
    height = max(picture.shape[0] for picture in pictures)
    width = sum(picture.shape[1] for picture in pictures) + 2 * GAP * (len(pictures) - 1)
    canvas = np.full((height, width, 3), PAPER, np.uint8)
    left = 0
    for picture in pictures:
        high, wide = picture.shape[:2]
        top = (height - high) // 2
        canvas[top : top + high, left : left + wide] = picture
        left += wide + 2 * GAP
    return canvas


def _bordered(picture: Picture, room: int) -> Picture:
    bordered = cv2.copyMakeBorder(picture, room, room, room, room, cv2.BORDER_CONSTANT, value=PAPER)
    return np.asarray(bordered, dtype=np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the pictures of the documentation.")
    parser.add_argument("demo", type=Path, help="the folder that make demo makes")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(__file__).parent / "images", help="where to write them"
    )
    arguments = parser.parse_args()
    demo = Demo(arguments.demo)
    for name, picture in {"cluster": cluster_picture(demo), "proof": proof_picture(demo)}.items():
        (arguments.output / f"{name}.jpg").write_bytes(encode_jpeg(picture, quality=84))
    Image.fromarray(common_picture()).quantize(64).save(arguments.output / "common.png", optimize=True)


if __name__ == "__main__":
    main()
