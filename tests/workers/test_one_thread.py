"""Linear algebra in one thread."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

THREADS = """
import numpy, os
from threadpoolctl import threadpool_info
from pimmi.workers.one_thread import one_thread

def threads():
    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]

before = threads()
for _ in range(2):
    with one_thread():
        print(*threads())
print(threads() == before, *before)
"""


def told(code: str = THREADS, **variables: str) -> list[str]:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | variables,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.split()


@pytest.mark.skipif(os.cpu_count() == 1, reason="there is one core")
def test_matrices_are_multiplied_in_one_thread_and_afterwards_in_as_many_as_before() -> None:
    assert told(OPENBLAS_NUM_THREADS="2") == ["1", "1", "True", "2"]


def test_where_there_is_one_thread_nothing_is_loaded_for_it() -> None:
    code = """
import sys
from pimmi.workers.one_thread import one_thread
with one_thread():
    print("threadpoolctl" in sys.modules)
"""
    for threads, loaded in (("1", "False"), ("2", "True")):
        assert told(code, OPENBLAS_NUM_THREADS=threads) == [loaded]
