"""JPEG files, decoded by libjpeg-turbo straight to grey at a reduced scale."""

from __future__ import annotations

import io

import numpy as np
import simplejpeg

from pimmi.errors import UnreadableImage
from pimmi.images.raster import COVER, Grey, Raster, check_size, long_side_of, truncated

END_OF_IMAGE = b"\xff\xd9"
ORIENTATION_MARKS = (b"Exif", b"http://ns.adobe.com/xap/")
"""What starts the two kinds of metadata that may hold an orientation, EXIF and XMP."""
REDUCTIONS = (8, 4, 2)
"""The reductions for which libjpeg-turbo has fast transforms; those between them cost more than full size."""


def read(data: bytes, *, working_size: int, max_pixels: int) -> Raster:
    """The image at the smallest fast scale whose long side still has COVER times that of the working image.

    A file whose data stop early, or are so damaged that the picture can't be completed, is unreadable; one
    that lacks nothing but its end marker is read. What libjpeg-turbo doesn't handle (CMYK, odd sampling) and
    harmless faults (stray bytes between markers) go through Pillow. Raises UnreadableImage, or what the
    decoders raise for damaged data.
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return _by_pillow(data, working_size=working_size, max_pixels=max_pixels)
    check_size(width=width, height=height, max_pixels=max_pixels)
    if colours not in ("YCbCr", "RGB", "Gray"):
        return _by_pillow(data, working_size=working_size, max_pixels=max_pixels)
    reduction = _reduction(width=width, height=height, working_size=working_size)
    wanted = -(-width // reduction), -(-height // reduction)
    try:
        grey = _grey(data, wanted)
    except ValueError as error:
        if "premature end" not in str(error).lower():
            return _by_pillow(data, working_size=working_size, max_pixels=max_pixels)
        grey = _completed(data, wanted)
    return Raster(grey, width, height, reduction, _orientation(data, max_pixels=max_pixels))


def _by_pillow(data: bytes, *, working_size: int, max_pixels: int) -> Raster:
    from pimmi.images import pillow

    return pillow.read(data, kind="jpeg", working_size=working_size, max_pixels=max_pixels)


def _reduction(*, width: int, height: int, working_size: int) -> int:
    covered = COVER * long_side_of(width=width, height=height, working_size=working_size)
    covering = (factor for factor in REDUCTIONS if max(width, height) >= covered * factor)
    return next(covering, 1)


def _grey(data: bytes, wanted: tuple[int, int]) -> Grey:
    width, height = wanted
    pixels = simplejpeg.decode_jpeg(data, colorspace="GRAY", min_width=width, min_height=height)
    return np.asarray(pixels[..., 0], dtype=np.uint8)


def _completed(data: bytes, wanted: tuple[int, int]) -> Grey:
    """The image of a file that may lack only its end marker."""
    try:
        return _grey(data + END_OF_IMAGE, wanted)
    except ValueError as error:
        raise UnreadableImage(truncated("jpeg")) from error


def _orientation(data: bytes, *, max_pixels: int) -> int:
    """The EXIF orientation, 1 to 8; 1 if the EXIF data are damaged: the picture itself is not."""
    if not any(mark in data for mark in ORIENTATION_MARKS):
        return 1
    from PIL import JpegImagePlugin

    from pimmi.images import pillow

    try:
        with pillow.quiet(max_pixels=max_pixels):
            return pillow.orientation(JpegImagePlugin.JpegImageFile(io.BytesIO(data)))
    except Exception:
        return 1
