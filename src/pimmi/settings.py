"""Every parameter of pimmi, once: its type, default, unit, range, and why it has that value."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pimmi.errors import SettingsError
from pimmi.parameters import Section, hint, parameters, setting, to_toml

Values = Mapping[str, Mapping[str, Any]]

CODEBOOKS = {"small": 16, "large": 9}
"""The codebooks, and the most cells in which a descriptor may be looked for with each."""
ALGORITHMS = ("components", "louvain", "leiden")


@dataclass(frozen=True, kw_only=True)
class ImageSettings(Section):
    """How files are read."""

    name = "images"

    working_size: int = setting(
        256,
        unit="px",
        minimum=128,
        maximum=511,
        why="Long side of the image in which keypoints are looked for, more for one longer than 4:3, which gets "
        "as many pixels: larger finds smaller shared parts, and takes more time; use 384 or more for small "
        "stickers in large pictures.",
    )
    max_pixels: int = setting(
        200_000_000,
        unit="px",
        minimum=1_000_000,
        why="A larger image is listed as unreadable, so that one file can't fill the memory.",
    )
    max_bytes: int = setting(
        200_000_000,
        unit="bytes",
        minimum=1_000_000,
        why="A larger file is listed as unreadable, so that one file can't fill the memory.",
    )
    thumbnail_size: int = setting(
        128,
        unit="px",
        minimum=32,
        maximum=512,
        why="Long side of the grey thumbnail on which a link is checked pixel by pixel, more for an image longer "
        "than 4:3.",
    )
    shard_images: int = setting(
        4000,
        unit="images",
        minimum=10,
        maximum=8000,
        why="Images of a shard, at most: each worker holds two shards in memory. Larger shards take less time for each "
        "pair of images, and a power cut loses more of what was read. Changes no result.",
    )


@dataclass(frozen=True, kw_only=True)
class FeatureSettings(Section):
    """What is kept of an image: SIFT keypoints (Lowe 2004) and their descriptors."""

    name = "features"

    keypoints: int = setting(
        400,
        unit="keypoints an image",
        minimum=20,
        maximum=5000,
        why="The strongest that are kept: more finds smaller shared parts; disk and time grow with it.",
    )
    octave_layers: int = setting(
        3, unit="layers", minimum=1, maximum=10, why="Scales looked at in each octave, as in Lowe's paper."
    )
    contrast_threshold: float = setting(
        0.01,
        minimum=0.0,
        maximum=1.0,
        why="Weaker extrema are dropped: below OpenCV's .04, so that soft images get enough keypoints.",
    )
    edge_threshold: float = setting(
        12.0, minimum=1.0, maximum=100.0, why="Keypoints on straight edges are dropped; Lowe's paper has 10."
    )
    few_keypoints: int = setting(
        150,
        unit="keypoints an image",
        minimum=0,
        maximum=5000,
        why="An image with fewer, such as a logo or a chart, is searched again with the faint thresholds: "
        "without it, flat images are most of what is missed.",
    )
    faint_contrast_threshold: float = setting(
        0.002, minimum=0.0, maximum=1.0, why="Contrast threshold of the second search."
    )
    faint_edge_threshold: float = setting(
        30.0, minimum=1.0, maximum=1000.0, why="Edge threshold of the second search."
    )
    sigma: float = setting(
        1.6, unit="px", minimum=0.5, maximum=5.0, why="Blur of the first scale, as in Lowe's paper."
    )


@dataclass(frozen=True, kw_only=True)
class MatchingSettings(Section):
    """When two images are linked."""

    name = "matching"

    codebook: str = setting(
        "small",
        choices=tuple(CODEBOOKS),
        why="Index of 65,536 cells (small) or of a million (large): from about 50,000 images on the large one saves "
        "more time than it costs, and finds somewhat fewer of the small shared parts.",
    )
    probes: int = setting(
        10,
        unit="cells",
        minimum=1,
        maximum=16,
        why="Index cells in which a descriptor is looked for: more finds more true matches, and is slower.",
    )
    sign_distance: int = setting(
        38,
        unit="bits of 128",
        minimum=0,
        maximum=128,
        why="Codes whose signs differ in more bits are not compared further: a cheap first sieve. Where the limit of a "
        "cell is below code_distance, the signs have the same share of it.",
    )
    code_distance: int = setting(
        58,
        unit="bits of 256",
        minimum=0,
        maximum=200,
        why="Two points match up to this distance of their codes, or up to the limit of their cell of the index, which "
        "is lower, down to 24, in the few cells where most points fall: 86 % of true pairs of points are found.",
    )
    position_tolerance: float = setting(
        5.0,
        unit="px of the coarser of the two working images",
        minimum=0.5,
        maximum=50.0,
        why="How far a matched keypoint may lie from where the transform puts it and still agree with it.",
    )
    minimum_inliers: int = setting(
        4,
        unit="keypoints",
        minimum=2,
        maximum=1000,
        why="Keypoints that must agree with one transform: with three, chance alone makes links.",
    )
    stored_confidence: float = setting(
        0.2,
        minimum=0.0,
        maximum=1.0,
        why="Less sure links aren't even kept; those kept can be read again with another minimum.",
    )
    minimum_confidence: float = setting(
        0.0,
        minimum=0.0,
        maximum=1.0,
        why="Links less sure than this are neither exported nor grouped. 0 asks for what so many images need: .5 up to "
        "12,500, .8 for 50,000, .9 for 112,500, since pairs that look alike by chance grow with those of images. On "
        "the benchmark .6 loses 5 of 10,000 copies that .5 finds, .7 loses 30 and .8 loses 46.",
    )

    def confidence_among(self, images: int) -> float:
        """The confidence from which on a link between two of so many images counts.

        Among n times as many images, each has n times as many others that look like it by chance, and no more copies:
        so, by Bayes' rule, the odds of a link must be n times as high to mean the same.
        """
        if self.minimum_confidence > 0:
            return self.minimum_confidence
        odds = FEW_CONFIDENCE / (1 - FEW_CONFIDENCE) * max(1.0, images / FEW_IMAGES)
        return odds / (1 + odds)

    def __post_init__(self) -> None:
        super().__post_init__()
        most = CODEBOOKS[self.codebook]
        if self.probes > most:
            raise SettingsError(
                f"{self.name}.probes is {self.probes}: the {self.codebook} codebook takes at most {most}"
            )


@dataclass(frozen=True, kw_only=True)
class GroupingSettings(Section):
    """How links become clusters."""

    name = "grouping"

    algorithm: str = setting(
        "leiden",
        choices=ALGORITHMS,
        why="Leiden (Traag 2019) parts images that are only chained together, where components can't, and "
        "its clusters are always connected, which Louvain doesn't guarantee.",
    )
    resolution: float = setting(
        0.05,
        unit="weight of links for each pair of images",
        minimum=0.0,
        maximum=1.0,
        why="Clusters are at least about this densely linked inside, and less densely between them: higher "
        "makes more, smaller clusters; unused by components.",
    )


@dataclass(frozen=True, kw_only=True)
class SlurmSettings(Section):
    """The jobs that `--dask slurm` asks for; they change no result. Dask's jobqueue.yaml fills what is left empty."""

    name = "slurm"

    jobs: int = setting(
        4,
        unit="jobs",
        minimum=1,
        maximum=10_000,
        why="Jobs at the same time: small ones start sooner than one.",
    )
    cores: int = setting(
        8, unit="cores a job", minimum=1, maximum=1024, why="One worker runs on each; more suit whole nodes."
    )
    memory: int = setting(
        16,
        unit="GiB a job",
        minimum=1,
        maximum=100_000,
        why="2 GiB a core hold two shards of 4,000 images and what comparing them takes.",
    )
    walltime: int = setting(
        720,
        unit="minutes",
        minimum=10,
        maximum=100_000,
        why="A job whose time is over is asked for again, so a short time that starts sooner is no loss.",
    )
    queue: str = setting("", why="The partition; empty for the default one.")
    account: str = setting("", why="The account that is charged; empty for the default one.")
    interface: str = setting(
        "", why="The network interface that machines talk over, such as ib0; empty lets Dask choose."
    )
    directives: str = setting(
        "", why="Further options of sbatch, with ; between them, such as --constraint=avx2; --exclusive."
    )
    prologue: str = setting(
        "", why="Commands of the shell before workers start, with ; between them, such as module load python."
    )


LARGE_FROM = 50_000
"""Images from which the preset `large` saves more time than it costs."""
FEW_IMAGES, FEW_CONFIDENCE = 12_500, 0.5
"""Images up to which links of that confidence count: what more asks for costs .6 % of the copies among 50,000."""

PRESETS: dict[str, Values] = {
    "fast": {"features": {"keypoints": 200}, "matching": {"probes": 8}},
    "balanced": {},
    "thorough": {
        "images": {"working_size": 384},
        "features": {"keypoints": 700},
        "matching": {"probes": 16},
    },
    "large": {
        "images": {"shard_images": 8000},
        "features": {"keypoints": 300},
        "matching": {
            "codebook": "large",
            "probes": 4,
            "sign_distance": 36,
            "code_distance": 54,
        },
    },
}

SHARD_SECTIONS = ("images", "features")
LINK_SECTIONS = ("images", "features", "matching")
WITHOUT_EFFECT = {("images", "shard_images"), ("matching", "minimum_confidence")}
"""Parameters on which no shard and no link file depends."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All parameters, by section; raises SettingsError for a value of the wrong type or out of its range."""

    images: ImageSettings = field(default_factory=ImageSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    matching: MatchingSettings = field(default_factory=MatchingSettings)
    grouping: GroupingSettings = field(default_factory=GroupingSettings)
    slurm: SlurmSettings = field(default_factory=SlurmSettings)

    @classmethod
    def preset(cls, name: str) -> Settings:
        """The settings named `fast`, `balanced` (the defaults), `thorough` or `large`."""
        if name not in PRESETS:
            raise SettingsError(f"there is no preset {name!r}{hint(name, PRESETS)}")
        return cls().updated(PRESETS[name])

    @classmethod
    def load(cls, path: str | Path, *, preset: str = "balanced") -> Settings:
        """The values of a TOML file; what it leaves out comes from the preset."""
        base = cls.preset(preset)
        try:
            values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{path} can't be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} is not a valid TOML file: {error}") from error
        try:
            return base.updated(values)
        except SettingsError as error:
            raise SettingsError(f"{path}: {error}") from None

    @classmethod
    def from_dict(cls, values: Values) -> Settings:
        """The inverse of `to_dict`; what is left out has its default."""
        return cls().updated(values)

    def updated(self, values: Values) -> Settings:
        """These settings with the given values (section -> parameter -> value) in place of their own."""
        merged = self.to_dict()
        for name, section in values.items():
            if name not in SECTIONS:
                raise SettingsError(_unknown_section(name))
            if not isinstance(section, Mapping):
                raise SettingsError(f"{name} must be a section, with its settings under [{name}]")
            for key, value in section.items():
                if key not in merged[name]:
                    raise SettingsError(_unknown_key(name, key))
                merged[name][key] = value
        return Settings(**{name: SECTIONS[name](**section) for name, section in merged.items()})

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Section -> parameter -> value, of plain types."""
        return asdict(self)

    def values_of(self, sections: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The values on which shards (`SHARD_SECTIONS`) or links (`LINK_SECTIONS`) depend."""
        everything = self.to_dict()
        return {name: everything[name] for name in sections}

    def differences(self, other: Settings, *, sections: Iterable[str] = LINK_SECTIONS) -> list[str]:
        """What differs, each as `features.keypoints (400, 200)`: the value here, then the other's."""
        theirs = other.to_dict()
        return [
            f"{name}.{key} ({value}, {theirs[name][key]})"
            for name, section in self.values_of(sections).items()
            for key, value in section.items()
            if value != theirs[name][key] and (name, key) not in WITHOUT_EFFECT
        ]

    def to_toml(self) -> str:
        """A TOML file that `load` reads back, with the meaning of each parameter above it."""
        lines = ["# Settings of pimmi. A line that is left out has the value of its preset.", ""]
        for name, section in self.to_dict().items():
            kind = SECTIONS[name]
            lines += [f"# {kind.__doc__}", f"[{name}]"]
            for parameter in parameters(kind):
                lines += [to_toml(parameter, section[parameter.name]), ""]
        return "\n".join(lines)


SECTIONS: dict[str, type[Any]] = {
    kind.name: kind
    for kind in (ImageSettings, FeatureSettings, MatchingSettings, GroupingSettings, SlurmSettings)
}


def _unknown_section(name: str) -> str:
    homes = [section for section, kind in SECTIONS.items() if name in _keys(kind)]
    if homes:
        return f"{name} is not a section: write it under [{homes[0]}]"
    return f"there is no section [{name}]{hint(name, SECTIONS)}"


def _unknown_key(section: str, key: str) -> str:
    homes = [name for name, kind in SECTIONS.items() if key in _keys(kind)]
    if homes:
        return f"{section}.{key} does not exist: {key} belongs under [{homes[0]}]"
    return f"{section}.{key} does not exist{hint(key, _keys(SECTIONS[section]))}"


def _keys(section: type[Any]) -> list[str]:
    return [parameter.name for parameter in parameters(section)]
