from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from pimmi.workers.cores import default_workers, quota
from pimmi.workers.outcome import Crashed, Done, Failed
from pimmi.workers.pool import LocalPool

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals need POSIX")


@pytest.fixture(scope="module")
def pool() -> Iterator[LocalPool]:
    with LocalPool(workers=2) as pool:
        yield pool


class StubbornError(Exception):
    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


def pid_of(_task: object) -> int:
    return os.getpid()


def end_with(code: int) -> int:
    if code > 0:
        os._exit(code)
    if code < 0:
        os.kill(os.getpid(), -code)
    return code


def raise_stubborn(task: int) -> None:
    raise StubbornError(task, task)


def something_local(_task: object) -> object:
    return lambda: None


def surroundings(_task: object) -> tuple[int, str | None, bool]:
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return cv2.getNumThreads(), os.environ.get("OMP_NUM_THREADS"), ignored


def wait_for(path: Path) -> bool:
    while not path.exists():
        time.sleep(0.005)
    return True


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_every_task_has_one_outcome(pool: LocalPool) -> None:
    outcomes = list(pool.map_unordered(math.sqrt, range(50)))
    assert sorted(outcomes, key=lambda outcome: outcome.index) == [Done(i, math.sqrt(i)) for i in range(50)]
    assert list(pool.map_unordered(math.sqrt, [])) == []


def test_tasks_run_in_few_other_processes(pool: LocalPool) -> None:
    pids = {outcome.result for outcome in pool.map_unordered(pid_of, range(20)) if isinstance(outcome, Done)}
    assert 1 <= len(pids) <= 2
    assert os.getpid() not in pids


def test_outcomes_come_as_tasks_end(pool: LocalPool, tmp_path: Path) -> None:
    late, soon = tmp_path / "late", tmp_path / "soon"
    soon.touch()
    outcomes = pool.map_unordered(wait_for, [late, soon])
    assert next(outcomes) == Done(1, True)
    late.touch()
    assert list(outcomes) == [Done(0, True)]


def test_large_tasks_and_results_pass(pool: LocalPool) -> None:
    outcomes = list(pool.map_unordered(bytes, [bytes(5_000_000)] * 5))
    assert [len(outcome.result) for outcome in outcomes if isinstance(outcome, Done)] == [5_000_000] * 5


def test_an_exception_comes_back(pool: LocalPool) -> None:
    outcomes = sorted(pool.map_unordered(math.sqrt, [4, -1, 9]), key=lambda outcome: outcome.index)
    assert [outcomes[0], outcomes[2]] == [Done(0, 2.0), Done(2, 3.0)]
    failed = outcomes[1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, ValueError)
    assert "Traceback" in failed.traceback


def test_what_cant_be_pickled_fails_and_no_more(pool: LocalPool) -> None:
    (failed,) = pool.map_unordered(raise_stubborn, [7])
    assert isinstance(failed, Failed)
    assert str(failed.error) == "StubbornError: 7 and 7"
    (unpicklable,) = pool.map_unordered(something_local, [0])
    assert isinstance(unpicklable, Failed)
    assert "lambda" in str(unpicklable.error)
    assert list(pool.map_unordered(abs, [-1])) == [Done(0, 1)]


@POSIX
def test_a_task_that_kills_its_worker_is_the_only_one_lost(pool: LocalPool) -> None:
    tasks = [0, 0, -signal.SIGKILL, 0, 3, 0, -signal.SIGSEGV, 0, 0]
    outcomes = sorted(pool.map_unordered(end_with, tasks), key=lambda outcome: outcome.index)
    assert [outcome.index for outcome in outcomes] == list(range(len(tasks)))
    crashed = {outcome.index: outcome.reason for outcome in outcomes if isinstance(outcome, Crashed)}
    assert list(crashed) == [2, 4, 6]
    assert "SIGKILL" in crashed[2]
    assert "memory" in crashed[2]
    assert "code 3" in crashed[4]
    assert "SIGSEGV" in crashed[6]
    assert sum(isinstance(outcome, Done) for outcome in outcomes) == 6


@POSIX
def test_a_worker_that_died_while_idle_costs_one_task_at_most(pool: LocalPool) -> None:
    (done,) = pool.map_unordered(pid_of, [0])
    assert isinstance(done, Done)
    os.kill(done.result, signal.SIGKILL)
    outcomes = list(pool.map_unordered(abs, range(10)))
    assert len(outcomes) == 10
    assert sum(isinstance(outcome, Crashed) for outcome in outcomes) <= 1


def test_tasks_are_taken_as_workers_become_free(pool: LocalPool) -> None:
    taken = 0

    def tasks() -> Iterator[int]:
        nonlocal taken
        for task in range(100):
            taken += 1
            yield task

    for done, _ in enumerate(pool.map_unordered(abs, tasks()), start=1):
        assert taken <= done + 2 * pool.workers


def test_leaving_early_gives_up_what_is_under_way(pool: LocalPool, tmp_path: Path) -> None:
    never = tmp_path / "never"
    ready = tmp_path / "ready"
    ready.touch()
    for outcome in pool.map_unordered(wait_for, [ready, never, never]):
        assert outcome == Done(0, True)
        break
    assert list(pool.map_unordered(abs, [-5])) == [Done(0, 5)]


def test_tasks_that_raise_while_they_are_listed_leave_the_pool_whole(pool: LocalPool) -> None:
    def tasks() -> Iterator[int]:
        yield 1
        raise OSError("no more tasks")

    with pytest.raises(OSError, match="no more tasks"):
        list(pool.map_unordered(abs, tasks()))
    assert list(pool.map_unordered(abs, [-5])) == [Done(0, 5)]


def test_workers_use_one_thread_and_ignore_ctrl_c(pool: LocalPool) -> None:
    before = dict(os.environ)
    assert list(pool.map_unordered(surroundings, [0])) == [Done(0, (1, "1", True))]
    assert dict(os.environ) == before


def test_no_process_outlives_the_pool(tmp_path: Path) -> None:
    with LocalPool(workers=1) as pool:
        (done,) = pool.map_unordered(pid_of, [0])
        assert isinstance(done, Done)
        assert alive(done.result)
    assert not alive(done.result)

    def leave() -> None:
        with LocalPool(workers=1) as pool:
            (done,) = pool.map_unordered(pid_of, [0])
            assert isinstance(done, Done)
            pids.append(done.result)
            unfinished.append(pool.map_unordered(wait_for, [tmp_path / "never"]))
            raise StubbornError(1, 2)

    pids: list[int] = []
    unfinished: list[object] = []
    with pytest.raises(StubbornError):
        leave()
    assert not alive(pids[0])


def test_a_pool_has_at_least_one_worker() -> None:
    assert LocalPool().workers == default_workers()
    with pytest.raises(ValueError, match="at least 1"):
        LocalPool(workers=0)


UNGUARDED = """
import time
from pimmi.workers.pool import LocalPool

print("imported", flush=True)
with LocalPool(workers=2) as pool:
    for outcome in pool.map_unordered(time.sleep, {seconds}):
        print(outcome.index, flush=True)
"""


def started(tmp_path: Path, *, seconds: list[float]) -> subprocess.Popen[str]:
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED.format(seconds=seconds))
    return subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def busy(tmp_path: Path) -> subprocess.Popen[str]:
    """A process whose two workers have begun tasks that would take ten minutes."""
    process = started(tmp_path, seconds=[0, 0, 600, 600])
    assert process.stdout is not None
    assert sorted(process.stdout.readline() for _ in range(3)) == ["0\n", "1\n", "imported\n"]
    return process


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    process = started(tmp_path, seconds=[0, 0, 0])
    output, errors = process.communicate(timeout=60)
    assert errors == ""
    assert sorted(output.split()) == ["0", "1", "2", "imported"]
    assert process.returncode == 0


@POSIX
def test_ctrl_c_ends_everything_with_one_traceback(tmp_path: Path) -> None:
    process = busy(tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=60)  # all processes that hold the pipes are gone
    assert output == ""
    assert errors.count("Traceback") == 1
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT


@POSIX
def test_ctrl_c_while_workers_start_ends_everything(tmp_path: Path) -> None:
    process = started(tmp_path, seconds=[600, 600])
    assert process.stdout is not None
    assert process.stdout.readline() == "imported\n"
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT


@POSIX
def test_no_worker_outlives_a_killed_parent(tmp_path: Path) -> None:
    process = busy(tmp_path)
    process.kill()
    process.communicate(timeout=60)  # all processes that hold the pipes are gone
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("content", "cores"), [("200000 100000\n", 2), ("150000 100000\n", 2), ("max 100000\n", None), ("", None)]
)
def test_the_quota_of_a_container(tmp_path: Path, content: str, cores: int | None) -> None:
    path = tmp_path / "cpu.max"
    path.write_text(content)
    assert quota(path) == cores
    assert quota(tmp_path / "missing") is None


def test_default_workers_are_within_the_cores_of_this_machine() -> None:
    assert 1 <= default_workers() <= (os.cpu_count() or 1)
