"""What a file holds, told from its first bytes and never from its name."""

from __future__ import annotations

import codecs

HEAD_BYTES = 512
"""How much of a file `kind_of` and `looks_like` look at."""

AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
BMP_HEADER_SIZES = {12, 16, 40, 52, 56, 64, 108, 124}

IMAGE_PREFIXES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
)

OTHER_PREFIXES = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"8BPS", "a Photoshop document"),
    (b"\x00\x00\x01\x00", "an icon file (.ico)"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"ID3", "an MP3 recording"),
    (b"version https://git-lfs", "a Git LFS pointer in place of the file"),
)


def kind_of(head: bytes) -> str | None:
    """ "jpeg", "png", "webp", "gif", "bmp", "tiff", "avif" or "heic"; None for anything else."""
    for prefix, kind in IMAGE_PREFIXES:
        if head.startswith(prefix):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BMP_HEADER_SIZES:
        return "bmp"
    brands = _brands(head)
    if brands & AVIF_BRANDS:
        return "avif"
    if brands & HEIC_BRANDS:
        return "heic"
    return None


def looks_like(head: bytes) -> str:
    """What a file that is no image of a known kind seems to hold, in words for its user."""
    for prefix, description in OTHER_PREFIXES:
        if head.startswith(prefix):
            return description
    if _brands(head):
        return "a video (MP4 family)"
    if not head.strip(b"\x00"):
        return "nothing but zero bytes"
    return _text_like(head[:HEAD_BYTES])


def ends_early(data: bytes, *, kind: str) -> bool:
    """Whether a file is shorter than its own header says; only WebP and TIFF are looked at."""
    if kind == "webp":
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    if kind == "tiff":
        return int.from_bytes(data[4:8], "little" if data[:2] == b"II" else "big") >= len(data)
    return False


def _brands(head: bytes) -> set[bytes]:
    """The brands of an ISO base media file (AVIF, HEIC, MP4): its major brand and the compatible ones."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), HEAD_BYTES)
    return {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}


def _text_like(head: bytes) -> str:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if b"<svg" in start:
        return "an SVG drawing"
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")):
        return "an HTML page"
    if start.startswith(b"<"):
        return "an XML document"
    if start.startswith((b"{", b"[")):
        return "a JSON document"
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return "data of an unknown format"
    words = "".join(text.split())
    return "a text" if words and words.isprintable() else "data of an unknown format"
