"""Memory that is freed and asked for again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

MEASURED = """
    import mmap
    from pathlib import Path
    import numpy as np
    from pimmi.workers.memory import keep_freed_memory

    {first}
    array = np.ones(200_000_000, np.uint8)
    del array
    print(int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE)
"""


def megabytes_after(first: str) -> float:
    code = "\n".join(line.strip() for line in MEASURED.format(first=first).splitlines())
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1e6


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such switch")
def test_a_process_keeps_what_it_frees_only_where_it_shall() -> None:
    assert megabytes_after("pass") < 200 < megabytes_after("keep_freed_memory()")
