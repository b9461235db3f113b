"""A process that loads compiled code with less of Numba computes the same, and still compiles what isn't compiled."""

import subprocess
import sys
from pathlib import Path

import pytest
from numba import version_info

from pimmi.cli.quick_numba import KNOWN, quick_numba

COMPILED = """
import math
import sys
import numpy as np
from pimmi.cli.quick_numba import quick_numba

with quick_numba():
    from numba import njit

    @njit(cache=True)
    def roots(count):
        found = np.empty(count)
        for k in range(count):
            found[k] = math.sqrt(k)
        return found

    print(roots(5)[4], *(name in sys.modules for name in ("numba.np.npyimpl", "numba.np.arrayobj", "scipy.linalg")))

    @njit
    def later(values):
        return np.sort(values)[0] + np.log(1.0)

    print(later(roots(5) + 1), roots(5).sum() > 6.0)

    @njit(cache=True)
    def cubes(count):
        found = np.zeros(count)
        for k in range(count):
            found[k] = roots(k + 1)[k] ** 6
        return found

    print(round(cubes(3)[2], 9))
"""


def test_what_is_compiled_is_loaded_without_what_compiling_takes(tmp_path: Path) -> None:
    script = tmp_path / "roots.py"
    script.write_text(COMPILED, encoding="utf-8")
    first, second = (
        subprocess.run([sys.executable, script], check=True, capture_output=True, encoding="utf-8").stdout
        for _ in range(2)
    )
    assert first.splitlines() == ["2.0 True True False", "1.0 True", "8.0"]
    known = version_info.short == KNOWN
    assert second.splitlines() == (
        ["2.0 False False False", "1.0 True", "8.0"] if known else first.splitlines()
    )


def loads_as_it_will() -> bool:
    from numba.core import caching

    before = caching.Cache.load_overload
    with quick_numba():
        return caching.Cache.load_overload is before


def test_a_numba_of_another_version_loads_as_it_will(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loads_as_it_will() == (version_info.short != KNOWN)
    monkeypatch.setattr("pimmi.cli.quick_numba.KNOWN", (0, 1))
    assert loads_as_it_will()


def test_a_numba_of_other_inner_parts_loads_as_it_will(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba.core.runtime.nrt", None)
    assert loads_as_it_will()
