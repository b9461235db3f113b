"""What Pillow decodes: every format and colour mode other than plain JPEG."""

from __future__ import annotations

import io
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from PIL import ExifTags, Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from pimmi.errors import UnreadableImage
from pimmi.images.modes import grey_of
from pimmi.images.raster import COVER, Raster, check_size, fitted, long_side_of, too_large

OPENERS: dict[str, type[ImageFile.ImageFile]] = {
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "webp": WebPImageFile,
    "gif": GifImageFile,
    "bmp": BmpImageFile,
    "tiff": TiffImageFile,
    "avif": AvifImageFile,
}

logging.getLogger("PIL").addHandler(logging.NullHandler())
_lock = threading.Lock()


@contextmanager
def quiet(*, max_pixels: int) -> Iterator[None]:
    """Silence Pillow's warnings, and have it refuse `max_pixels` where it would apply its own limit.

    Both are global to the process: the lock keeps threads from restoring each other's state.
    """
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        usual, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, max_pixels
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = usual


@contextmanager
def without_stderr() -> Iterator[None]:
    """Keep away what libtiff writes by itself to the process's stderr, if it has one, about faulty files."""
    try:
        kept = os.dup(2)
    except OSError:
        kept = None
    if kept is None:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def read(data: bytes, *, kind: str, working_size: int, max_pixels: int) -> Raster:
    """The first frame or page of an image; raises UnreadableImage, or what Pillow raises for damaged data."""
    try:
        return _read(data, kind=kind, working_size=working_size, max_pixels=max_pixels)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise UnreadableImage(too_large("a frame of too many", max_pixels=max_pixels)) from error


def _read(data: bytes, *, kind: str, working_size: int, max_pixels: int) -> Raster:
    opener = _heic_opener() if kind == "heic" else OPENERS[kind]
    muted = without_stderr() if kind == "tiff" else nullcontext()
    with quiet(max_pixels=max_pixels), muted, opener(io.BytesIO(data)) as image:
        width, height = image.size
        check_size(width=width, height=height, max_pixels=max_pixels)
        long_side = long_side_of(width=width, height=height, working_size=working_size)
        reduction = _draft(image, long_side=COVER * long_side)
        image.load()
        if reduction == 1:
            width, height = image.size
        return Raster(grey_of(image), width, height, reduction, orientation(image))


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 if there is none or it has no sense."""
    value = image.getexif().get(ExifTags.Base.Orientation, 1)
    return value if value in range(1, 9) else 1


def _draft(image: ImageFile.ImageFile, *, long_side: int) -> int:
    """Have a JPEG decoded at a reduced scale that covers `long_side`; other formats keep full scale, 1."""
    width, height = image.size
    drafted = image.draft(None, fitted(width=width, height=height, long_side=long_side))
    return 1 if drafted is None else round(width / drafted[1][2])


def _heic_opener() -> type[ImageFile.ImageFile]:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise UnreadableImage('HEIC is read after: pip install "pimmi[heic]"') from error
    opener: type[ImageFile.ImageFile] = HeifImageFile
    return opener
