"""The tables of a study and what each of their columns means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TableDescription:
    """What one row of a table is, and the meaning of each column, in the order of the columns."""

    row: str
    columns: dict[str, str]


TABLES = {
    "links": TableDescription(
        row="two images of which one shows a part, or all, of the other",
        columns={
            "query_path": "one of the two images; paths start at the folder of images",
            "result_path": "the other one; each pair of images has one row",
            "type": "copy, or common: they share only what many unrelated images do; empty before pimmi group",
            "relation": "of query to result: identical (same bytes), same (nearly all of both), contains (all of "
            "result in a part of query), contained (the reverse), overlap (a part of each)",
            "variant": "plain, or what was done to one of the two: mirror, negative, mirror-negative",
            "score": "higher is surer: −log10 of how many such pairs chance alone makes; 10,000: same bytes",
            "nb_match_ransac": "keypoints of the two images that agree with the transform (inliers)",
            "a11": "x' = a11 x + a12 y + tx is where the pixel (x, y) of query lies in result, from the left",
            "a12": "see a11",
            "tx": "see a11; pixels of the files at full size, turned upright, as are x, y, x' and y'",
            "a21": "y' = a21 x + a22 y + ty is where the pixel (x, y) of query lies in result, from the top",
            "a22": "see a21",
            "ty": "see a21; in pixels",
            "query_coverage": "share of query's area that shows the same as result, from 0 to 1",
            "result_coverage": "share of result's area that shows the same as query, from 0 to 1",
            "agreement": "share of the overlap where the two agree, pixel by pixel, from 0 to 1",
            "conflict": "share of the overlap where they differ; what is left of it is blank in both",
            "confidence": "how likely the link shows a copy, from its points and its pixels, from 0 to 1",
        },
    ),
    "clusters": TableDescription(
        row="an image file that is in a cluster",
        columns={
            "path": "the file; paths start at the folder of images",
            "image_id": "its content: files that are the same byte for byte have the same id",
            "cluster_id": "the smallest image_id of its cluster",
            "cluster_rank": "1 for the largest cluster",
            "cluster_size": "how many files the cluster has",
            "nb_points": "keypoints found in the image",
            "degree": "with how many files of its cluster this one is linked",
            "quality": "share of the cluster's pairs of images that are linked: low for a chain, 1 for all",
            "representative": "true for the image that the others are most likely made from, false for the others",
            "also_in": "ids of other clusters of whose main element it shows a part, as a collage does",
        },
    ),
    "elements": TableDescription(
        row="something that recurs in several images: a photo, a sticker, an app's frame",
        columns={
            "element_id": "the smallest image_id that shows it, a point, and a number",
            "size": "how many images show it",
            "kind": "picture: the main one of an image; part: inside others only; of common ones, frame or mark",
            "common": "true if it links no clusters, as many unrelated images have it: a frame, an emoji, a logo",
            "representative_path": "the image that shows it most completely",
            "x0": "the box that holds it in that image, from the left, in pixels of the upright file",
            "y0": "see x0; from the top",
            "x1": "see x0; where the box ends",
            "y1": "see x0; where the box ends, from the top",
            "plain": "how many images show it as the representative does, that one counted",
            "mirror": "how many show it mirrored",
            "negative": "how many show it in negative",
            "mirror_negative": "how many show it mirrored and in negative",
        },
    ),
    "memberships": TableDescription(
        row="an image that shows an element",
        columns={
            "path": "the image, by its first file",
            "image_id": "its content",
            "element_id": "see elements",
            "main": "true if it is the image's main element, which decides its cluster",
            "x0": "the box that holds the element, from the left, in pixels of the upright file",
            "y0": "see x0; from the top",
            "x1": "see x0; where the box ends",
            "y1": "see x0; where the box ends, from the top",
            "coverage": "share of the image's area that shows it, from 0 to 1",
            "a11": "x' = a11 x + a12 y + tx is where the image's pixel (x, y) lies in the representative",
            "a12": "see a11",
            "tx": "see a11; in pixels",
            "a21": "y' = a21 x + a22 y + ty is where it lies from the top",
            "a22": "see a21",
            "ty": "see a21; in pixels",
        },
    ),
    "images": TableDescription(
        row="an image file",
        columns={
            "path": "the file; paths start at the folder of images",
            "image_id": "its content: files that are the same byte for byte have the same id",
            "status": "ok, unreadable, or low-information (too plain to be matched other than byte for byte)",
            "reason": "why it can't be read; else empty",
            "width": "of the upright image, in pixels",
            "height": "of the upright image, in pixels",
            "format": "what the file is, whatever its name says: jpeg, png, …",
            "bytes": "size of the file",
            "nb_points": "keypoints found in the image",
            "duplicate_of": "the first path with the same content, byte for byte; else empty",
        },
    ),
    "decisions": TableDescription(
        row="a decision that a person made on the pages and didn't undo, in their order",
        columns={
            "kind": "link, together, apart, element, checked, label or note",
            "first_image": "the image_id of what it is about; for apart, the image that was removed",
            "second_image": "of a link, the other image; for apart, one of the cluster it was removed from",
            "value": "confirmed or rejected for a link; the text of a label or note; empty: taken back",
            "decided_at": "when, in universal time",
        },
    ),
}

_OF_LINKS = TABLES["links"].columns
SHARED = TableDescription(
    row="an image of one study and one of another, of which one shows a part, or all, of the other",
    columns={
        "query_path": "the image of the one study, by its first file; paths start at its folder of images",
        "result_path": "the image of the other study, by its first file",
        "query_id": "the image_id of query: the images table of its study lists all files that have it",
        "result_id": "the image_id of result: the same as that of query if they are the same byte for byte",
        **{name: _OF_LINKS[name] for name in list(_OF_LINKS)[3:]},
    },
)
"""What `pimmi match STUDY --with OTHER` writes."""
