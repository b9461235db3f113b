"""What a command costs, with all the processes that it starts."""

import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

SAMPLING_S = 0.05
SAMPLING_SHARE = 0.03
"""Most of a core's time that looking at memory may take: the system adds up what all pages of a process are."""
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds by the clock, seconds of processor of all processes, and their memory together at its peak.

    Memory that processes share is counted once where the system tells (PSS, on Linux). `peak_process_mb` is the
    most that a single process had.
    """

    wall_s: float
    cpu_s: float
    peak_memory_mb: float
    peak_process_mb: float


class CommandFailedError(Exception):
    """The command exited with another status than 0."""


def measure(command: Sequence[str]) -> Cost:
    """Run a command to its end, its output let through.

    A process left behind by the one that started it (a server that workers are forked from) is adopted by
    this one on Linux, so that its processor time counts. No other child of this process may be running.

    Raises:
        CommandFailedError: with the command and its exit status.
    """
    _adopt_orphans()
    started = time.perf_counter()
    process = subprocess.Popen(command)
    sampler = _MemorySampler(psutil.Process())
    sampler.start()
    cpu_s, status, wall_s = 0.0, 0, 0.0
    while True:
        try:
            pid, ended, used = os.wait4(-1, 0)
        except ChildProcessError:
            break
        cpu_s += used.ru_utime + used.ru_stime
        if pid == process.pid:
            wall_s = time.perf_counter() - started
            status = os.waitstatus_to_exitcode(ended)
            process.returncode = status
    sampler.stop()
    if status:
        raise CommandFailedError(f"{' '.join(command)} exited with {status}")
    return Cost(
        wall_s=wall_s,
        cpu_s=cpu_s,
        peak_memory_mb=sampler.peak_bytes / 1e6,
        peak_process_mb=sampler.peak_process_bytes / 1e6,
    )


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class _MemorySampler(threading.Thread):
    """Looks at the memory of the descendants of a process every 50 ms, or less often where that takes long."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self.peak_process_bytes = 0
        self._process = process
        self._stopped = threading.Event()

    def run(self) -> None:
        pause_s = SAMPLING_S
        while not self._stopped.wait(pause_s):
            started = time.perf_counter()
            used = [_memory_bytes(process) for process in self._process.children(recursive=True)]
            pause_s = max(SAMPLING_S, (time.perf_counter() - started) / SAMPLING_SHARE)
            self.peak_bytes = max(self.peak_bytes, sum(used))
            self.peak_process_bytes = max(self.peak_process_bytes, *used, 0)

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def _memory_bytes(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(memory, "pss", memory.uss))
