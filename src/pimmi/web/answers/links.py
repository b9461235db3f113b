"""Answers about links: lists, graphs, proofs, and what a search finds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pimmi.web.answers.images import ImageTold, Picture
from pimmi.web.answers.model import LinkType, Name, Part, Point, Relation, Share, Told, Variant, Verdict

Cell = Annotated[int, Field(ge=0, le=63)]


class LinkTold(Told):
    """A link between two images."""

    first: Name
    """One of the two images."""
    second: Name
    """The other one."""
    confidence: Share
    """How likely it shows a copy, from 0 to 1."""
    agreement: Share
    """Share of the overlap where the two agree, pixel by pixel, from 0 to 1."""
    score: float
    """Higher is surer: −log10 of how many such pairs chance alone makes."""
    variant: Variant
    """plain, or what was done to one of the two."""
    relation: Relation
    """What the first image is to the second: contained, for example, if it is a part of it."""
    confirmed: bool
    """Whether a person confirmed it."""


class LinksTold(Part):
    """Some of the links inside a cluster."""

    links: list[LinkTold]
    """Those of this page: those that nobody confirmed first, the least sure first."""


class Graph(Told):
    """The images of a cluster, and the links between them."""

    nodes: list[ImageTold]
    """The images, the representative first; 400 at most."""
    links: list[LinkTold]
    """The links between these images."""
    left_out: int
    """How many images of the cluster aren't among the nodes."""


class Agreement(Told):
    """How two pictures agree. Coordinates are in pixels of the upright files, from the left and the top."""

    variant: Variant
    """plain, or what was done to one of the two."""
    relation: Relation
    """What the first is to the second: contained, for example, if it is a part of it."""
    score: float
    """Higher is surer: −log10 of how many such pairs chance alone makes; 10,000: the same bytes."""
    inliers: int
    """Keypoints of the two that agree with the transform."""
    agreement: Share
    """Share of the overlap where the two agree, pixel by pixel, from 0 to 1."""
    conflict: Share
    """Share of the overlap where they differ, from 0 to 1; what is left of it is blank in both."""
    first_coverage: Share
    """Share of the first one's area that shows the same as the second, from 0 to 1."""
    second_coverage: Share
    """Share of the second one's area that shows the same as the first, from 0 to 1."""
    transform: tuple[float, float, float, float, float, float]
    """a11, a12, tx, a21, a22, ty: (x, y) of the first is (a11 x + a12 y + tx, a21 x + a22 y + ty) in the second."""
    points: list[tuple[float, float, float, float]]
    """x, y in the first and x, y in the second, of each keypoint that agrees."""
    first_outline: list[Point]
    """The corners, in the first, of what both show."""
    second_outline: list[Point]
    """The same corners in the second."""


class Proof(Agreement):
    """Why two images of the study are linked."""

    first: ImageTold
    """The image from which the link is seen."""
    second: ImageTold
    """The other one."""
    type: LinkType
    """copy, or common: they share only what many unrelated images do."""
    confidence: Share
    """How likely the link shows a copy, from its points and its pixels, from 0 to 1."""
    verdict: Verdict | None
    """What a person said of the link; null for nothing."""
    first_part: list[Cell]
    """Where the first agrees with the second: cells of 8 x 8, by number, row after row from the top left."""
    second_part: list[Cell]
    """Where the second agrees with the first, in the same way."""


class SearchHit(Agreement):
    """An image of the study that shows a part, or all, of the picture that was sent."""

    first: Picture
    """The picture that was sent."""
    second: ImageTold
    """The image of the study."""


class Found(Told):
    """What a search found."""

    image: Picture
    """The picture that was sent."""
    total: int
    """How many images of the study show a part of it; 240 at most are looked at."""
    hits: list[SearchHit]
    """The images that show most of it first; 24 at most."""
