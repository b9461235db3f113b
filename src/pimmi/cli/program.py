"""How the user calls this program."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from shlex import quote


def program() -> str:
    """The words that start pimmi again in the user's shell.

    `pimmi`, but the path that was given where the shell doesn't find it by that name, as in an environment that isn't
    activated.
    """
    called = Path(sys.argv[0])
    if called.stem != "pimmi" or not called.is_file():
        return "pimmi"
    found = shutil.which("pimmi")
    return "pimmi" if found is not None and called.samefile(found) else quote(sys.argv[0])
