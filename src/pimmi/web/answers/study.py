"""Answers about the study as a whole, and about what was decided."""

from __future__ import annotations

from pimmi.web.answers.model import DecisionKind, Name, Told


class Metadata(Told):
    """The user's table."""

    rows: int
    """How many of its rows have an image of the study."""
    unknown: int
    """How many of its rows have none."""
    path_column: str
    """The column that holds the paths of images."""
    date_column: str | None
    """The column that holds dates; null for none."""
    facets: dict[str, list[tuple[str, int]]]
    """The columns to filter by: their values, each with how many rows have it, the most frequent first."""


class StudyTold(Told):
    """What the study holds."""

    name: str
    """The name of its folder."""
    version: str
    """Of pimmi."""
    files: int
    """How many files were added, those that can't be read among them."""
    images: int
    """How many images they hold: files that are the same byte for byte count once."""
    unreadable: int
    """How many files can't be read."""
    links: int
    """How many links show copies."""
    clusters: int
    """How many clusters there are."""
    clustered_files: int
    """How many files are in a cluster."""
    decided_clusters: int
    """How many clusters a person decided anything about."""
    labels: list[str]
    """What people called clusters, each once."""
    common_elements: int
    """How many elements are common to many unrelated images."""
    listed_elements: int
    """How many elements are common, or were marked by a person."""
    originals: bool
    """Whether the image files are where they were, as far as a look at the first few says."""
    out_of_date: str | None
    """Why nothing can be decided for now, in a sentence; null if it can."""
    metadata: Metadata | None
    """The user's table; null for none."""


class DecisionTold(Told):
    """A decision."""

    act: int
    """The number of the act of which it is a part; an act is undone as a whole."""
    kind: DecisionKind
    """What it is about."""
    first: Name
    """The image that it is about."""
    second: str
    """The other image, for kinds about two; else empty."""
    value: str
    """confirmed or rejected for a link; a text; the region and the verdict of an element; empty: taken back."""
    decided_at: str
    """When, in universal time, as 2024-05-31T12:30:00+00:00."""


class DecisionsTold(Told):
    """What was decided."""

    total: int
    """How many decisions there are."""
    decisions: list[DecisionTold]
    """The last ones first."""


class Outcome(Told):
    """What an act, or undoing one, did."""

    decisions: list[DecisionTold]
    """The decisions of the act; none if there was nothing to undo."""
    clusters: dict[str, Name | None]
    """For each image that they name, the cluster in which it is now; null for none."""
