"""Answers about images, and about the elements that they show."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pimmi.web.answers.model import (
    Day,
    ElementKind,
    LinkType,
    Name,
    Part,
    Region,
    Relation,
    Share,
    Told,
    Variant,
    Verdict,
)


class Picture(Told):
    """A picture, in the study or not."""

    width: int
    """Of the upright picture, in pixels."""
    height: int
    """Of the upright picture, in pixels."""
    format: str
    """What the file is, whatever its name says: jpeg, png, …"""
    nb_points: int
    """Keypoints found in it."""


class ImageTold(Picture):
    """An image of the study: all files that are the same byte for byte."""

    id: Name
    """Its image_id, as in the tables."""
    bytes: int
    """Size of its file, in bytes."""
    path: str
    """Its first file; paths start at the folder of images."""
    files: int
    """How many files hold it."""
    cluster: Name | None
    """The cluster in which it is; null for none."""


class ElementTold(Told):
    """Something that recurs in several images."""

    element: str
    """Its element_id, as in the tables."""
    size: int
    """How many images show it."""
    kind: ElementKind
    """picture: the main one of an image; part: inside others only; of common ones, frame or mark."""
    common: bool
    """Whether many unrelated images have it, so that it links no clusters."""


class ElementInImage(ElementTold):
    """An element, and where it is in an image."""

    region: Region
    """The box that holds it: left, top, right, bottom, in pixels of the upright file."""
    coverage: Share
    """Share of the image's area that shows it, from 0 to 1."""
    main: bool
    """Whether it is the image's main element, which decides its cluster."""


class Example(ImageTold):
    """An image that shows an element."""

    region: Region
    """The box that holds the element: left, top, right, bottom, in pixels of the upright file."""
    linked: bool
    """Whether it is linked with the representative, so that there is a proof to see."""


class ListedElement(ElementTold):
    """An element that is common, or that a person marked."""

    marked: bool
    """Whether a person said that it is common, or that it isn't."""
    representative: ImageTold
    """The image that shows it most completely."""
    region: Region
    """The box that holds it in the representative: left, top, right, bottom, in pixels of the upright file."""
    examples: list[Example]
    """A few other images that show it."""


class ElementsTold(Part):
    """Some of the elements."""

    elements: list[ListedElement]
    """Those of this page, the largest first."""


class LinkSeen(Told):
    """A link, as seen from one of its images."""

    with_: Name = Field(alias="with")
    """The other image."""
    relation: Relation
    """What the image is to the other one: contained, for example, if it is a part of it."""
    variant: Variant
    """plain, or what was done to one of the two."""
    coverage: Share
    """Share of the image's area that shows the same as the other one, from 0 to 1."""
    coverage_there: Share
    """Share of the other image's area that shows the same, from 0 to 1."""
    confidence: Share
    """How likely the link shows a copy, from 0 to 1."""


class LinkOfImage(LinkSeen):
    """A link of an image, with the other image."""

    image: ImageTold
    """The other image."""
    type: LinkType
    """copy, or common: they share only what many unrelated images do."""
    verdict: Verdict | None
    """What a person said of the link; null for nothing."""


class OtherCluster(Told):
    """Another cluster, of whose main element an image shows a part."""

    id: Name
    """The smallest image_id in it."""
    representative: Name
    """The image that the others of it are most likely made from."""
    files: int
    """How many files it has."""
    label: str | None
    """What a person called it; null for nothing."""


class ImagePage(ImageTold):
    """All about an image."""

    paths: list[str]
    """All files that hold it."""
    posts: list[dict[str, Any]]
    """The rows of the metadata that have it, by their columns, the first ones by date; 50 at most."""
    elements: list[ElementInImage]
    """What it shows that recurs elsewhere, the largest first."""
    also_in: list[OtherCluster]
    """The other clusters of which it shows a part."""
    linked: int
    """With how many images it is linked."""
    links: list[LinkOfImage]
    """Those inside its cluster first, the surest at the top, then others; 60 at most."""
    original: bool
    """Whether its file is where it was."""


class Member(ImageTold):
    """An image of a cluster."""

    group: str
    """The group in which it is shown; empty for the rest, or if there are no groups."""
    degree: int
    """With how many files of the cluster it is linked."""
    link: LinkSeen | None
    """That to the representative, or else the surest to another member; null for the representative."""
    posts: int | None = None
    """How many rows of the metadata have it; only if there are metadata."""
    first: Day | None = None
    """The day of its first post; only if there are metadata."""
    elements: list[ElementInImage]
    """What it shows that recurs elsewhere, the largest first."""
    also_in: list[OtherCluster]
    """The other clusters of which it shows a part."""
