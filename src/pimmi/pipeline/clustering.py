"""Grouping here, or in a worker, which has the compiled code that it takes at hand."""

from __future__ import annotations

from dataclasses import dataclass

from pimmi.errors import PimmiError
from pimmi.grouping.evidence import Evidence, Groups
from pimmi.pipeline.crew import local_pool
from pimmi.settings import GroupingSettings
from pimmi.workers.outcome import Crashed, Failed


@dataclass(frozen=True, slots=True)
class GroupTask:
    """What `pimmi.grouping.groups.find_groups` takes."""

    evidence: Evidence
    settings: GroupingSettings


def group_here(task: GroupTask) -> Groups:
    """The groups, made in this process."""
    from pimmi.grouping.groups import find_groups

    return find_groups(task.evidence, algorithm=task.settings.algorithm, resolution=task.settings.resolution)


def group_apart(task: GroupTask) -> Groups:
    """The groups, made by a worker; raises PimmiError if it dies."""
    with local_pool(1) as pool:
        (outcome,) = pool.map_unordered(group_here, [task])
    if isinstance(outcome, Failed):
        raise outcome.error
    if isinstance(outcome, Crashed):
        raise PimmiError(f"grouping failed, as {outcome.reason}: use a machine with more memory")
    return outcome.result
