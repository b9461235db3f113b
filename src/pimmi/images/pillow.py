"""What Pillow decodes: every format and colour mode other than plain JPEG."""

from __future__ import annotations

import io
import logging
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

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
from pimmi.images.raster import Raster, check_size

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


def read(data: bytes, *, kind: str, working_size: int, max_pixels: int) -> Raster:
    """The first frame or page of an image; raises UnreadableImage, or what Pillow raises for damaged data."""
    opener = _heic_opener() if kind == "heic" else OPENERS[kind]
    with quiet(max_pixels=max_pixels), opener(io.BytesIO(data)) as image:
        width, height = image.size
        check_size(width=width, height=height, max_pixels=max_pixels)
        image.draft(None, (min(width, working_size), min(height, working_size)))
        try:
            image.load()
        except (EOFError, struct.error) as error:
            raise UnreadableImage(truncated(kind)) from error
        except OSError as error:
            if "truncated" in str(error):
                raise UnreadableImage(truncated(kind)) from error
            raise
        if kind != "jpeg":
            width, height = image.size
        return Raster(grey_of(image), width, height, orientation(image))


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 if there is none or it has no sense."""
    value = image.getexif().get(ExifTags.Base.Orientation, 1)
    return value if value in range(1, 9) else 1


def truncated(kind: str) -> str:
    """The reason of a file that was cut short, by an interrupted download for instance."""
    return f"truncated {kind}: its data stop before the picture is complete"


def _heic_opener() -> type[ImageFile.ImageFile]:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise UnreadableImage('HEIC is read after: pip install "pimmi[heic]"') from error
    opener: type[ImageFile.ImageFile] = HeifImageFile
    return opener
