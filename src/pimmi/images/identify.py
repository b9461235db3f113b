"""The bytes of a file, and the identifier that they give its image."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from pimmi.errors import UnreadableImage


def image_id(data: bytes) -> str:
    """32 hexadecimal characters of BLAKE2b: files with the same bytes are the same image."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def read_file(path: Path, *, max_bytes: int) -> bytes:
    """The content of a regular file; raises UnreadableImage if it can't be had or exceeds `max_bytes`."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise UnreadableImage("not a regular file")
        if about.st_size > max_bytes:
            raise UnreadableImage(
                f"too large: {about.st_size} bytes, more than images.max_bytes = {max_bytes} allows"
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UnreadableImage("the file is no longer there") from error
    except PermissionError as error:
        raise UnreadableImage("no permission to read the file") from error
    except OSError as error:
        raise UnreadableImage(f"the file can't be read: {error.strerror or error}") from error
