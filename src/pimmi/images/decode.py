"""From the bytes of a file to a small, upright, grey image; any failure is an UnreadableImage."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pimmi.errors import UnreadableImage
from pimmi.images import jpeg
from pimmi.images.kinds import ends_early, kind_of, looks_like
from pimmi.images.raster import Grey, Raster, fitted, long_side_of, reduced, truncated, upright


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A decoded image.

    `grey` is (h, w) uint8, upright, its long side that of `long_side_of`; a smaller image keeps its size.
    `width` and `height` are those of the upright original, in pixels. `format` is "jpeg", "png", "webp",
    "gif", "bmp", "tiff", "avif" or "heic", told from the content.
    """

    grey: Grey
    width: int
    height: int
    format: str


def decode(data: bytes, *, working_size: int, max_pixels: int) -> DecodedImage:
    """Decode the bytes of an image file, its first frame or page; the same bytes give the same pixels.

    Colours become luma (ITU-R BT.601), transparency is composed over white, the EXIF orientation is applied,
    and the image is reduced, for `working_size` (`pimmi.images.raster.long_side_of`), by an antialiased filter. Raises
    UnreadableImage, with the reason, for an empty, truncated or damaged file, one that is no image, and one
    that has more than `max_pixels` pixels, which is not decoded at all.
    """
    if not data:
        raise UnreadableImage("empty file")
    kind = kind_of(data)
    if kind is None:
        raise UnreadableImage(f"not an image: it looks like {looks_like(data)}")
    try:
        raster = _read(data, kind=kind, working_size=working_size, max_pixels=max_pixels)
        return _finished(raster, kind=kind, working_size=working_size)
    except UnreadableImage:
        raise
    except MemoryError as error:
        raise UnreadableImage(f"not enough memory to decode this {kind}") from error
    except Exception as error:
        raise UnreadableImage(_reason(error, data, kind=kind)) from error


def _read(data: bytes, *, kind: str, working_size: int, max_pixels: int) -> Raster:
    if kind == "jpeg":
        return jpeg.read(data, working_size=working_size, max_pixels=max_pixels)
    from pimmi.images import pillow

    return pillow.read(data, kind=kind, working_size=working_size, max_pixels=max_pixels)


def _finished(raster: Raster, *, kind: str, working_size: int) -> DecodedImage:
    long_side = long_side_of(width=raster.width, height=raster.height, working_size=working_size)
    width, height = fitted(width=raster.width, height=raster.height, long_side=long_side)
    extent = raster.width / raster.reduction, raster.height / raster.reduction
    grey = reduced(raster.grey, width=width, height=height, extent=extent)
    grey = upright(grey, orientation=raster.orientation)
    if raster.turned:
        return DecodedImage(grey, width=raster.height, height=raster.width, format=kind)
    return DecodedImage(grey, width=raster.width, height=raster.height, format=kind)


def _reason(error: Exception, data: bytes, *, kind: str) -> str:
    said = any(words in str(error).lower() for words in ("truncated", "unexpected end"))
    if said or isinstance(error, (EOFError, struct.error)) or ends_early(data, kind=kind):
        return truncated(kind)
    lines = str(error).strip().splitlines()
    detail = lines[0] if lines and not isinstance(error, LookupError) else repr(error)
    return f"damaged {kind}: {detail}"
