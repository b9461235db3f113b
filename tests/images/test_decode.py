from __future__ import annotations

import importlib.util
import io
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pimmi.errors import UnreadableImage
from pimmi.images.decode import DecodedImage, decode
from pimmi.images.modes import eight_bits
from pimmi.images.raster import fitted, long_side_of

WORKING_SIZE = 128
MAX_PIXELS = 10_000_000

PHOTO = Image.fromarray(skimage.data.astronaut()).crop((96, 0, 416, 240))  # type: ignore[no-untyped-call]
GREY = PHOTO.convert("L")
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(data: bytes, *, working_size: int = WORKING_SIZE, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    return decode(data, working_size=working_size, max_pixels=max_pixels)


def reason(data: bytes, *, max_pixels: int = MAX_PIXELS) -> str:
    with pytest.raises(UnreadableImage) as caught:
        read(data, max_pixels=max_pixels)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def reference(image: Image.Image = PHOTO, *, working_size: int = WORKING_SIZE) -> NDArray[np.int64]:
    long_side = long_side_of(width=image.width, height=image.height, working_size=working_size)
    width, height = fitted(width=image.width, height=image.height, long_side=long_side)
    return np.asarray(image.convert("L").resize((width, height), Image.Resampling.BICUBIC), dtype=np.int64)


def difference(grey: NDArray[np.uint8], expected: NDArray[np.int64]) -> float:
    assert grey.dtype == np.uint8
    assert grey.shape == expected.shape
    return float(np.abs(grey - expected).mean())


def sixteen_bits(kind: str) -> bytes:
    return encoded(Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257), kind)


def interlaced_png(image: Image.Image) -> bytes:
    pixels = np.asarray(image)
    passes = (
        (0, 8, 0, 8),
        (0, 8, 4, 8),
        (4, 8, 0, 4),
        (0, 4, 2, 4),
        (2, 4, 0, 2),
        (0, 2, 1, 2),
        (1, 2, 0, 1),
    )
    rows = b"".join(
        b"\x00" + line.tobytes()
        for top, down, left, right in passes
        for line in pixels[top::down, left::right]
        if line.size
    )
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, 2, 0, 0, 1)
    return png_file((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))


def png_file(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


LAB = Image.merge("LAB", (GREY, Image.new("L", GREY.size, 128), Image.new("L", GREY.size, 128)))

FILES: dict[str, tuple[bytes, str, float]] = {
    "jpeg": (encoded(PHOTO, "JPEG", quality=95), "jpeg", 1.0),
    "progressive jpeg": (encoded(PHOTO, "JPEG", quality=95, progressive=True), "jpeg", 1.0),
    "grey jpeg": (encoded(GREY, "JPEG", quality=95), "jpeg", 1.0),
    "cmyk jpeg": (encoded(PHOTO.convert("CMYK"), "JPEG", quality=95), "jpeg", 1.5),
    "rgb jpeg": (encoded(PHOTO, "JPEG", quality=95, keep_rgb=True), "jpeg", 1.5),
    "png": (encoded(PHOTO, "PNG"), "png", 0.6),
    "interlaced png": (interlaced_png(PHOTO), "png", 0.6),
    "palette png": (encoded(PHOTO.quantize(256), "PNG"), "png", 2.0),
    "16-bit png": (sixteen_bits("PNG"), "png", 0.6),
    "grey and alpha png": (encoded(PHOTO.convert("LA"), "PNG"), "png", 0.6),
    "webp": (encoded(PHOTO, "WEBP", quality=95), "webp", 1.5),
    "lossless webp": (encoded(PHOTO, "WEBP", lossless=True), "webp", 0.6),
    "gif": (encoded(PHOTO, "GIF"), "gif", 2.0),
    "bmp": (encoded(PHOTO, "BMP"), "bmp", 0.6),
    "tiff": (encoded(PHOTO, "TIFF"), "tiff", 0.6),
    "big tiff": (encoded(PHOTO, "TIFF", big_tiff=True), "tiff", 0.6),
    "lzw tiff": (encoded(PHOTO, "TIFF", compression="tiff_lzw"), "tiff", 0.6),
    "jpeg tiff": (encoded(PHOTO, "TIFF", compression="jpeg", quality=95), "tiff", 1.5),
    "16-bit tiff": (sixteen_bits("TIFF"), "tiff", 0.6),
    "cmyk tiff": (encoded(PHOTO.convert("CMYK"), "TIFF"), "tiff", 0.6),
    "lab tiff": (encoded(LAB, "TIFF"), "tiff", 0.6),
    "float tiff": (encoded(Image.fromarray(np.asarray(GREY, dtype=np.float32) / 255), "TIFF"), "tiff", 0.6),
    "32-bit tiff": (encoded(Image.fromarray(np.asarray(GREY, dtype=np.int32) * 257), "TIFF"), "tiff", 0.6),
    "avif": (encoded(PHOTO, "AVIF", quality=95, speed=10), "avif", 1.5),
}


@pytest.mark.parametrize("name", FILES)
def test_formats_and_modes_give_the_same_grey(name: str) -> None:
    data, kind, tolerance = FILES[name]
    image = read(data)
    assert image.format == kind
    assert (image.width, image.height) == PHOTO.size
    assert difference(image.grey, reference()) < tolerance
    assert np.array_equal(read(data).grey, image.grey)


PLAIN = """
import sys
from pimmi.images.decode import decode
decode(sys.stdin.buffer.read(), working_size=128, max_pixels=10_000_000)
print(sorted(name for name in sys.modules if name.partition(".")[0] == "PIL"))
"""


@pytest.mark.parametrize(("kind", "loaded"), [("jpeg", False), ("png", True)])
def test_pillow_is_loaded_only_for_what_it_decodes(kind: str, loaded: bool) -> None:
    file = io.BytesIO()
    PHOTO.save(file, kind)
    said = subprocess.run(
        [sys.executable, "-c", PLAIN], input=file.getvalue(), check=True, capture_output=True
    ).stdout
    assert (said.strip() != b"[]") == loaded


def test_one_bit_images_average_to_grey() -> None:
    dithered = PHOTO.convert("1")
    for data in (encoded(dithered, "PNG"), encoded(dithered, "TIFF", compression="group4")):
        assert difference(read(data).grey, reference(dithered)) < 1.0
        assert len(np.unique(read(data, working_size=1000).grey)) == 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(kind: str, orientation: int) -> None:
    stored = PHOTO.transpose(TURNS[orientation]) if orientation in TURNS else PHOTO
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"speed": 10} if kind == "AVIF" else {}
    image = read(encoded(stored, kind, exif=exif, **options))
    assert (image.width, image.height) == PHOTO.size
    assert difference(image.grey, reference()) < 3.0


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_orientation_without_sense_is_ignored(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    assert read(encoded(PHOTO, "JPEG", exif=exif)).width == PHOTO.width


def test_damaged_exif_leaves_the_picture() -> None:
    image = read(encoded(PHOTO, "JPEG", quality=95, exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f"))
    assert difference(image.grey, reference()) < 1.0


@pytest.mark.parametrize("size", [(1700, 1200), (1000, 1500), (640, 480), (300, 299), (257, 60)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_large_images_are_reduced_to_the_working_size(size: tuple[int, int], kind: str) -> None:
    large = PHOTO.resize(size, Image.Resampling.BICUBIC)
    image = read(encoded(large, kind, **({"quality": 95} if kind == "JPEG" else {})), working_size=256)
    assert 256 <= max(image.grey.shape) <= 512
    assert image.grey.size <= max(256 * 192, 256 * 256 * min(size) / max(size)) + 512
    assert (image.width, image.height) == size
    assert difference(image.grey, reference(large, working_size=256)) < 2.0


@pytest.mark.parametrize("mode", ["L", "CMYK"])
@pytest.mark.parametrize("width", [1024, 1025, 1031, 2055])
def test_reduced_decoding_of_a_jpeg_moves_nothing(mode: str, width: int) -> None:
    line = 0.9 * width
    columns = 255 * np.exp(-((np.arange(width) + 0.5 - line) ** 2) / (2 * (width / 60) ** 2))
    picture = Image.fromarray(np.tile(columns, (64, 1)).astype(np.uint8)).convert(mode)
    profile = read(encoded(picture, "JPEG", quality=95)).grey.mean(axis=0)
    centre = float((profile * (np.arange(len(profile)) + 0.5)).sum() / profile.sum())
    assert centre == pytest.approx(0.9 * len(profile), abs=0.08)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (1, 3000), (5000, 2), (128, 128), (129, 1)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
def test_small_and_thin_images_are_never_enlarged(size: tuple[int, int], kind: str) -> None:
    image = read(encoded(PHOTO.resize(size), kind))
    width, height = size
    assert (image.width, image.height) == size
    long_side = long_side_of(width=width, height=height, working_size=WORKING_SIZE)
    assert image.grey.shape[1] == max(1, min(width, round(width * long_side / max(size))))
    assert image.grey.shape[0] == max(1, min(height, round(height * long_side / max(size))))


@given(width=st.integers(1, 70_000), height=st.integers(1, 70_000), working_size=st.integers(128, 511))
def test_a_long_image_has_the_pixels_of_one_of_four_to_three(
    width: int, height: int, working_size: int
) -> None:
    long_side = long_side_of(width=width, height=height, working_size=working_size)
    assert working_size <= long_side <= 2 * working_size
    pixels = long_side * long_side * min(width, height) / max(width, height)
    if working_size < long_side < 2 * working_size:
        assert pixels == pytest.approx(0.75 * working_size**2, rel=0.02)
    elif long_side == working_size:
        assert pixels >= 0.73 * working_size**2


@given(width=st.integers(1, 70_000), height=st.integers(1, 70_000), long_side=st.integers(1, 2000))
def test_fitted_keeps_proportions(width: int, height: int, long_side: int) -> None:
    new_width, new_height = fitted(width=width, height=height, long_side=long_side)
    assert max(new_width, new_height) == min(long_side, max(width, height))
    scale = min(1, long_side / max(width, height))
    assert abs(new_width - width * scale) <= 1
    assert abs(new_height - height * scale) <= 1


def test_twelve_bits_stored_in_sixteen_are_neither_black_nor_clipped() -> None:
    twelve = Image.fromarray((np.asarray(GREY).astype(np.uint32) * 4095 // 255).astype(np.uint16))
    assert difference(read(encoded(twelve, "PNG")).grey, reference()) < 1.0


@given(
    values=st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=2, max_size=20),
    kind=st.sampled_from([np.float32, np.int32, np.uint16]),
)
def test_eight_bits_keeps_the_order(values: list[float], kind: type[np.generic]) -> None:
    limits = (0.0, 65535.0) if kind is np.uint16 else (-2.0e9, 2.0e9)
    given_levels = np.asarray(values if kind is np.float32 else np.clip(values, *limits)).astype(kind)
    levels = eight_bits(given_levels)
    order = np.argsort(given_levels, kind="stable")
    assert np.all(np.diff(levels[order].astype(int)) >= 0)
    assert levels.max() >= 127 or float(np.max(given_levels)) < 128


def test_values_that_are_not_finite_are_black() -> None:
    pixels = np.full((16, 16), 0.5, dtype=np.float32)
    pixels[0, :3] = np.nan, np.inf, -np.inf
    grey = read(encoded(Image.fromarray(pixels), "TIFF")).grey
    assert grey[0, :4].tolist() == [0, 0, 0, 128]


def see_through(mode: str) -> Image.Image:
    image = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((20, 0, 39, 19), fill=(0, 0, 0, 255))
    return image.convert(mode)


def palette_with_transparency() -> bytes:
    image = Image.new("P", (40, 20), 0)
    image.putpalette([0, 0, 0, 10, 10, 10])
    ImageDraw.Draw(image).rectangle((20, 0, 39, 19), fill=1)
    return encoded(image, "PNG", transparency=0)


@pytest.mark.parametrize(
    "data",
    [
        encoded(see_through("RGBA"), "PNG"),
        encoded(see_through("LA"), "PNG"),
        encoded(see_through("RGBA"), "WEBP", lossless=True),
        encoded(see_through("RGBA"), "TIFF"),
        encoded(see_through("RGBA"), "GIF"),
        palette_with_transparency(),
    ],
    ids=["rgba", "la", "webp", "tiff", "gif", "palette"],
)
def test_transparency_is_composed_over_white(data: bytes) -> None:
    grey = read(data).grey
    assert grey[:, :18].min() >= 250
    assert grey[:, 22:].max() <= 15


def test_the_transparent_colour_of_a_png_is_white() -> None:
    image = Image.new("RGB", (40, 20), (0, 0, 255))
    assert read(encoded(image, "PNG", transparency=(0, 0, 255))).grey.min() == 255
    assert read(encoded(image, "PNG")).grey.max() < 50


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_the_first_frame_or_page_is_taken(kind: str) -> None:
    others = [Image.new("RGB", PHOTO.size, colour) for colour in ("red", "white")]
    options: dict[str, Any] = {"speed": 10} if kind == "AVIF" else {}
    data = encoded(PHOTO, kind, save_all=True, append_images=others, **options)
    assert difference(read(data).grey, reference()) < 4.0


def test_the_kind_is_told_from_the_content() -> None:
    assert read(encoded(PHOTO, "PNG")).format == "png"
    assert read(encoded(PHOTO, "JPEG") + b"trailing bytes").format == "jpeg"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty file"),
        (b"\n<!DOCTYPE html><title>Not found</title>", "an HTML page"),
        ("<html>caf\xe9".encode("latin-1"), "an HTML page"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b'<?xml version="1.0"?><Error/>', "an XML document"),
        (b'{"error": 404}', "a JSON document"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42", "a video"),
        (b"Not found\n", "a text"),
        ("l’image n’existe plus".encode() * 40, "a text"),
        (bytes(2000), "nothing but zero bytes"),
        (b"\x81\x05\xfe\x99", "data of an unknown format"),
        (b"BM is a brand of cars, and no bitmap", "a text"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, words: str) -> None:
    assert words in reason(data)


def test_heic_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert 'pip install "pimmi[heic]"' in reason(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")


@pytest.mark.skipif(importlib.util.find_spec("pillow_heif") is None, reason="pillow-heif is not installed")
def test_heic_is_read_with_its_library() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    data = encoded(PHOTO, "HEIF", quality=90)
    assert read(data).format == "heic"
    assert difference(read(data).grey, reference()) < 2.0
    assert "truncated heic" in reason(data[: len(data) // 2])


STILL = ["jpeg", "cmyk jpeg", "png", "16-bit png", "webp", "gif", "bmp", "tiff", "lzw tiff", "avif"]


@pytest.mark.parametrize("name", STILL)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_files_that_stop_early_are_unreadable(
    name: str, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    data, kind, _ = FILES[name]
    words = reason(data[: int(len(data) * share)])
    assert words.startswith(f"truncated {kind}" if kind != "avif" else ("truncated avif", "damaged avif"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["jpeg", "grey jpeg", "progressive jpeg"])
def test_a_jpeg_that_lacks_only_its_end_marker_is_read(name: str) -> None:
    data = FILES[name][0]
    assert data.endswith(b"\xff\xd9")
    assert np.array_equal(read(data[:-2]).grey, read(data).grey)


def test_stray_bytes_between_markers_are_forgiven() -> None:
    data = FILES["jpeg"][0]
    image = read(data[:-2] + bytes(7) + data[-2:])
    assert difference(image.grey, reference()) < 1.0


SMALL = PHOTO.resize((48, 36))
SMALL_FILES = [
    encoded(SMALL, "JPEG"),
    encoded(SMALL, "JPEG", progressive=True),
    encoded(SMALL.convert("CMYK"), "JPEG"),
    encoded(SMALL, "PNG"),
    encoded(SMALL.quantize(16), "PNG", transparency=3),
    encoded(SMALL, "GIF", save_all=True, append_images=[SMALL.rotate(5)]),
    encoded(SMALL, "WEBP", save_all=True, append_images=[SMALL.rotate(5)]),
    encoded(SMALL, "BMP"),
    encoded(SMALL, "TIFF"),
    encoded(SMALL, "TIFF", compression="tiff_lzw"),
    encoded(SMALL.convert("1"), "TIFF", compression="group4"),
    encoded(SMALL, "AVIF", speed=10),
]


def check_decoded_or_unreadable(data: bytes) -> None:
    try:
        image = read(data, max_pixels=100_000)
    except UnreadableImage as error:
        assert str(error)
        assert "\n" not in str(error)
    else:
        assert max(image.grey.shape) <= 2 * WORKING_SIZE
        assert 0 < image.width * image.height <= 100_000


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_cut_files_raise_nothing_but_unreadable_image(data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(SMALL_FILES))
    check_decoded_or_unreadable(file[: data.draw(st.integers(0, len(file) - 1))])


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_files_raise_nothing_but_unreadable_image(data: st.DataObject) -> None:
    file = bytearray(data.draw(st.sampled_from(SMALL_FILES)))
    places = st.integers(0, 80) | st.integers(0, len(file) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=6)):
        file[place] = value
    check_decoded_or_unreadable(bytes(file))


@settings(max_examples=150, deadline=None)
@given(start=st.sampled_from([b"", *(file[:20] for file in SMALL_FILES)]), rest=st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_unreadable_image(start: bytes, rest: bytes) -> None:
    check_decoded_or_unreadable(start + rest)


def test_faulty_tiffs_write_nothing_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    file = bytearray(encoded(PHOTO, "TIFF", compression="tiff_lzw"))
    file[200:20_000] = b"\xff" * 19_800
    assert reason(bytes(file)).startswith("damaged tiff")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_images_of_too_many_pixels_are_refused(kind: str) -> None:
    data = encoded(SMALL, kind)
    words = reason(data, max_pixels=48 * 36 - 1)
    assert "48 x 36" in words
    assert "images.max_pixels" in words
    assert read(data, max_pixels=48 * 36).width == 48


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    bomb = png_file((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    assert "100000 x 100000" in reason(bomb, max_pixels=200_000_000)


def test_a_gif_whose_frame_outgrows_its_screen_is_refused() -> None:
    data = bytearray(encoded(Image.new("L", (8, 8)), "GIF"))
    frame = data.index(b"\x2c\x00\x00\x00\x00\x08\x00\x08\x00")
    data[frame + 5 : frame + 9] = struct.pack("<HH", 60_000, 60_000)
    assert "images.max_pixels" in reason(bytes(data))


def test_images_without_pixels_are_unreadable() -> None:
    header = struct.pack(">IIBBBBB", 0, 5, 8, 0, 0, 0, 0)
    data = png_file((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    assert reason(data)


def test_pillows_own_limit_is_neither_used_nor_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    for name in ("png", "jpeg", "cmyk jpeg", "webp", "tiff", "gif"):
        assert read(FILES[name][0]).width == PHOTO.width
    assert Image.MAX_IMAGE_PIXELS == 10


def test_threads_leave_the_filters_of_warnings_as_they_were() -> None:
    apng = encoded(SMALL, "PNG")
    faulty = apng[:33] + struct.pack(">I4sIII", 8, b"acTL", 0, 0, zlib.crc32(b"acTL" + bytes(8))) + apng[33:]
    with pytest.warns(UserWarning, match="Invalid APNG"):
        Image.open(io.BytesIO(faulty)).load()
    before = list(warnings.filters)
    widths: list[int] = []
    threads = [
        threading.Thread(target=lambda: widths.extend(read(faulty).width for _ in range(20)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert widths == [48] * 80
    assert list(warnings.filters) == before
