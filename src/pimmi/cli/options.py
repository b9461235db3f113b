"""The arguments and options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from pimmi.settings import Settings

Images = Annotated[Path, Parameter(help="The folder of images; those in its subfolders count as well.")]
StudyFolder = Annotated[Path, Parameter(help="The folder in which pimmi keeps what it finds.")]
Preset = Literal["fast", "balanced", "thorough", "large"]
Workers = Annotated[
    int | None,
    Parameter(
        validator=Number(gte=1), help="Processes that work at the same time. Default: one for each core."
    ),
]
Dask = Annotated[
    str | None,
    Parameter(
        help="Work on Dask: the address of a scheduler, such as tcp://host:8786, or local, or slurm. "
        "Default: processes of this machine, without Dask."
    ),
]
Algorithm = Annotated[
    Literal["components", "louvain", "leiden"] | None,
    Parameter(help="How links become clusters. Default: what the study's settings say."),
]
Resolution = Annotated[
    float | None,
    Parameter(
        validator=Number(gte=0, lte=1),
        help="Higher makes more, smaller clusters (louvain, leiden). Default: what the study's settings say.",
    ),
]
Quiet = Annotated[bool, Parameter(negative="", show_default=False, help="Print nothing but errors.")]
AsJson = Annotated[
    bool, Parameter(name="--json", negative="", show_default=False, help="Print JSON, for programs.")
]
MinimumConfidence = Annotated[
    float | None,
    Parameter(
        validator=Number(gte=0, lte=1),
        help="Links less sure are left out from now on, here, in exports, in searches and on the pages; 0 goes back to "
        "what so many images need. Default: what the study's settings say.",
    ),
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How `run` and `add` go about it."""

    preset: Annotated[
        Preset | None,
        Parameter(
            help="fast, balanced or thorough; large from 50,000 images on. Default: the study's settings; balanced for "
            "a new study."
        ),
    ] = None
    settings: Annotated[
        Path | None,
        Parameter(help="A file as pimmi settings writes it; its values go before those of the preset."),
    ] = None
    workers: Workers = None
    dask: Dask = None
    algorithm: Algorithm = None
    resolution: Resolution = None
    quiet: Quiet = False

    def chosen_settings(self) -> Settings | None:
        """None if neither a preset nor a file of settings is given."""
        if self.settings is not None:
            return Settings.load(self.settings, preset=self.preset or "balanced")
        return None if self.preset is None else Settings.preset(self.preset)
