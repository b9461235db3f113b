"""Find every copy, total or partial, inside a corpus of images, and group the copies.

import pimmi

study = pimmi.open("study", create=True)
study.add("images")
study.match()
study.group()
for cluster in study.clusters(min_size=3):
    print(cluster.id, cluster.paths)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pimmi.errors import PimmiError, SettingsError, StudyError, UnreadableImage

if TYPE_CHECKING:
    from pimmi.api import Cluster, Study, Summary
    from pimmi.api import open_study as open  # noqa: A004
    from pimmi.pipeline.adding import Added
    from pimmi.pipeline.compacting import Compacted
    from pimmi.pipeline.merging import Merged
    from pimmi.pipeline.searching import Hit
    from pimmi.progress import Progress
    from pimmi.settings import Settings
    from pimmi.study.status import Status

    __version__: str

__all__ = [
    "Added",
    "Cluster",
    "Compacted",
    "Hit",
    "Merged",
    "PimmiError",
    "Progress",
    "Settings",
    "SettingsError",
    "Status",
    "Study",
    "StudyError",
    "Summary",
    "UnreadableImage",
    "open",
]

HOMES = {
    "Added": ("pimmi.pipeline.adding", "Added"),
    "Cluster": ("pimmi.api", "Cluster"),
    "Compacted": ("pimmi.pipeline.compacting", "Compacted"),
    "Hit": ("pimmi.pipeline.searching", "Hit"),
    "Merged": ("pimmi.pipeline.merging", "Merged"),
    "Progress": ("pimmi.progress", "Progress"),
    "Settings": ("pimmi.settings", "Settings"),
    "Status": ("pimmi.study.status", "Status"),
    "Study": ("pimmi.api", "Study"),
    "Summary": ("pimmi.api", "Summary"),
    "open": ("pimmi.api", "open_study"),
}
"""Where each name lives; it is loaded when it is first used, so that `import pimmi` takes no time."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("pimmi")
    if name not in HOMES:
        raise AttributeError(f"module 'pimmi' has no attribute {name!r}")
    module, attribute = HOMES[name]
    return getattr(import_module(module), attribute)
