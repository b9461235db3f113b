"""How many cores this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def default_workers() -> int:
    """Cores that affinity (taskset, SLURM) and a container's quota give to this process, at least 1."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(affinity, quota(CGROUP_QUOTA) or affinity))


def quota(path: Path) -> int | None:
    """Cores that a cgroup (version 2) grants, rounded up; None without a limit."""
    try:
        granted, period = path.read_text().split()
        return math.ceil(int(granted) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return None
