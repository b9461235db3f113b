"""Small pictures for the pages: made once from the file, and kept in the study."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from pimmi.errors import UnreadableImage
from pimmi.images.pillow import quiet
from pimmi.index.points import offsets_of
from pimmi.settings import ImageSettings
from pimmi.study.catalogue import Catalogue
from pimmi.study.images import IMAGES_SCHEMA
from pimmi.study.reading import read_array, read_parquet
from pimmi.study.writing import UNFINISHED
from pimmi.web.originals import has_original, read_original

THUMB_PX = 256
PREVIEW_PX = 1024
WEBP_QUALITY = 80


class Thumbs:
    """Pictures of the images of a study as WebP, and their files; `originals` as in `pimmi.web.originals`."""

    def __init__(self, *, settings: ImageSettings, originals: Path | None) -> None:
        self._settings = settings
        self._originals = originals

    def thumb(self, catalogue: Catalogue, image: int) -> tuple[bytes, bool]:
        """An image at 256 px at most, kept in the study from the first time on, and whether it will stay as it is.

        If its file is away and it wasn't made before, it is grey, at 128 px, and for now.
        """
        name = str(catalogue.ids[image].decode())
        kept = catalogue.folder.root / "thumbs" / name[:2] / f"{name}.webp"
        if kept.exists():
            return kept.read_bytes(), True
        made = self._made(catalogue, image, size=THUMB_PX)
        if made is None:
            return _stored(catalogue, image), False
        _keep(made, kept)
        return made, True

    def preview(self, catalogue: Catalogue, image: int) -> bytes:
        """An image at 1,024 px at most, or its thumbnail if its file is away; not kept."""
        made = self._made(catalogue, image, size=PREVIEW_PX)
        return self.thumb(catalogue, image)[0] if made is None else made

    def original(self, catalogue: Catalogue, image: int) -> tuple[str, bytes] | None:
        """The name and the bytes of the file of an image; None if it is away."""
        return read_original(catalogue, image, originals=self._originals, max_bytes=self._settings.max_bytes)

    def is_there(self, catalogue: Catalogue, image: int) -> bool:
        """Whether the file of an image seems to be where it was."""
        return has_original(catalogue, image, originals=self._originals)

    def _made(self, catalogue: Catalogue, image: int, *, size: int) -> bytes | None:
        original = self.original(catalogue, image)
        if original is None:
            return None
        try:
            return small_webp(original[1], size=size, max_pixels=self._settings.max_pixels)
        except UnreadableImage:
            return None


def small_webp(data: bytes, *, size: int, max_pixels: int) -> bytes:
    """The bytes of an image file as an upright WebP whose long side is `size` at most, on white.

    Raises UnreadableImage.
    """
    try:
        with quiet(max_pixels=max_pixels):
            opened = _opened(data)
            opened.draft("RGB", (2 * size, 2 * size))
            opened.load()
        upright = ImageOps.exif_transpose(opened)
        return _encoded(_fitted(_on_white(upright), size))
    except Exception as error:
        raise UnreadableImage(str(error)) from error


def _opened(data: bytes) -> Image.Image:
    try:
        from pillow_heif import register_heif_opener

        register_heif_opener()
    except ImportError:
        pass
    return Image.open(io.BytesIO(data))


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        from pimmi.images.modes import eight_bits

        return Image.fromarray(eight_bits(np.asarray(image))).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    drawn = image.convert("RGBA")
    canvas = Image.new("RGB", drawn.size, (255, 255, 255))
    canvas.paste(drawn, mask=drawn.getchannel("A"))
    return canvas


def _fitted(image: Image.Image, size: int) -> Image.Image:
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    return image


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=WEBP_QUALITY, method=3)
    return buffer.getvalue()


def _stored(catalogue: Catalogue, image: int) -> bytes:
    """The grey thumbnail that the shard holds."""
    shard, row = (int(catalogue.images.column(name)[image].as_py()) for name in ("shard", "row"))
    folder = catalogue.folder.shard(shard)
    images = read_parquet(folder / "images.parquet", schema=IMAGES_SCHEMA)
    widths, heights = (images.column(f"thumbnail_{side}").to_numpy() for side in ("width", "height"))
    starts = offsets_of(widths.astype(np.int64) * heights)
    pixels = np.asarray(read_array(folder / "thumbnails.npy")[starts[row] : starts[row + 1]])
    return _encoded(Image.fromarray(pixels.reshape(heights[row], widths[row])).convert("RGB"))


def _keep(data: bytes, path: Path) -> None:
    """Write a file, where the study can be written to."""
    unfinished = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
