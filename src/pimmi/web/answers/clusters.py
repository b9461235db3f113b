"""Answers about clusters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pimmi.web.answers.images import Member
from pimmi.web.answers.model import Day, Name, Part, Share, Told, Variant


class ClusterTold(Told):
    """A cluster."""

    id: Name
    """The smallest image_id in it."""
    files: int
    """How many files it has."""
    images: int
    """How many images it has: files that are the same byte for byte count once."""
    links: int
    """How many links there are inside it."""
    quality: Share
    """Share of its pairs of images that are linked, from 0 to 1."""
    representative: Name
    """The image that the others are most likely made from."""
    path: str
    """The representative's first file; paths start at the folder of images."""
    width: int
    """Of the upright representative, in pixels."""
    height: int
    """Of the upright representative, in pixels."""
    variants: list[Variant]
    """What was done to images in it: mirror, negative or both; empty for nothing."""
    relations: list[Literal["contains", "contained", "overlap"]]
    """The relations of links in it, but for same."""
    first: Day | None
    """The day of its first post; null if it isn't known."""
    last: Day | None
    """The day of its last post; null if it isn't known."""
    label: str | None
    """What a person called it; null for nothing."""
    note: str | None
    """A person's remark on it; null for none."""
    checked: bool
    """Whether a person found it right."""
    decided: bool
    """Whether a person decided anything about it."""


class ClustersTold(Part):
    """Some clusters."""

    files: int
    """How many files the clusters on all pages have."""
    clusters: list[ClusterTold]
    """Those of this page, in the order that was asked for."""


class Group(Told):
    """A group of a cluster's images."""

    name: str
    """A relation, variant, day, month, or value of a column; empty for the rest."""
    count: int
    """How many images it has."""


class Span(Told):
    """How many posts were made in a span of time."""

    label: Day | None
    """The day on which it begins; null if it is in no year of the calendar."""
    count: int
    """How many posts were made in it."""
    from_: Day | None = Field(alias="from")
    """The day on which it begins, as `label`."""
    to: Day | None
    """The day on which it ends; null if it is in no year of the calendar."""


class ClusterPage(ClusterTold, Part):
    """A cluster, and some of its images; `total` counts its images."""

    groups: list[Group]
    """The groups in order; empty if none were asked for."""
    members: list[Member]
    """The images of this page, the representative first, or by group."""
    timeline: list[Span]
    """Its posts over time; empty without dates."""


class SizeBar(Told):
    """How many clusters have some number of files."""

    label: str
    """The number of files, or the first and the last one."""
    count: int
    """How many clusters."""
    from_: int = Field(alias="from")
    """Files, at least."""
    to: int | None
    """Files, at most; null for no limit."""


class ConfidenceBar(Told):
    """How many links have some confidence."""

    label: str
    """The lowest confidence, from 0 to 1; the bar is 0.05 wide."""
    count: int
    """How many links."""


class Figures(Told):
    """Small plots of some clusters."""

    sizes: list[SizeBar]
    """Clusters by their number of files."""
    confidence: list[ConfidenceBar]
    """The links inside them by confidence, from 0.5 on."""
    time: list[Span]
    """Their posts over time; empty without dates."""
