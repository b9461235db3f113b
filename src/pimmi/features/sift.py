"""SIFT keypoints and descriptors of one image, by OpenCV."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pimmi.features.selection import select
from pimmi.settings import FeatureSettings

SMALLEST_SIDE = 8
"""Pixels. SIFT's smallest filter has no room in a smaller image."""
DOUBLING_SHIFT = 0.25
"""Pixels by which OpenCV puts a keypoint too far right and down: half a pixel of the doubled image it works on."""
TEXTURED_PIXELS = 65
"""For each keypoint to keep: an image with more has so many keypoints too many that they are selected first."""


@dataclass(frozen=True, slots=True)
class Features:
    """The keypoints of one image, in the pixels of the working image (x right, y down, centre of a pixel at .0).

    Rows are sorted by y. `positions` float32 (n, 2); `sigmas` float32 (n,), keypoint size in pixels; `angles` float32
    (n,), radians in [0, 2 pi), from x towards y; `descriptors` float32 (n, 128), RootSIFT: each row has an L2 norm
    of 1.
    """

    positions: NDArray[np.float32]
    sigmas: NDArray[np.float32]
    angles: NDArray[np.float32]
    descriptors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.positions)


NO_FEATURES = Features(
    positions=np.zeros((0, 2), np.float32),
    sigmas=np.zeros(0, np.float32),
    angles=np.zeros(0, np.float32),
    descriptors=np.zeros((0, 128), np.float32),
)


@lru_cache(maxsize=4)
def _sift(settings: FeatureSettings, *, faint: bool) -> cv2.SIFT:
    return cv2.SIFT.create(
        nfeatures=0,
        nOctaveLayers=settings.octave_layers,
        contrastThreshold=settings.faint_contrast_threshold if faint else settings.contrast_threshold,
        edgeThreshold=settings.faint_edge_threshold if faint else settings.edge_threshold,
        sigma=settings.sigma,
    )


def extract(grey: NDArray[np.uint8], *, settings: FeatureSettings) -> Features:
    """SIFT (Lowe 2004) of a grey uint8 (h, w) image as RootSIFT (Arandjelović & Zisserman 2012).

    An image with few keypoints, such as a logo or a chart, is searched once more with lower thresholds. At most
    `settings.keypoints` are kept.
    """
    if min(grey.shape) < SMALLEST_SIDE:
        return NO_FEATURES
    number, keypoints, descriptors = _described(grey, settings=settings, faint=False)
    if number < settings.few_keypoints:
        number, keypoints, descriptors = _described(grey, settings=settings, faint=True)
    if number == 0:
        return NO_FEATURES
    kept = _selected(keypoints, count=settings.keypoints)
    positions = _positions(keypoints)
    total = descriptors.sum(axis=1, keepdims=True)
    kept = kept[total[kept, 0] > 0]
    kept = kept[np.lexsort([positions[kept, 0], positions[kept, 1]])]
    degrees = np.array([keypoints[i].angle for i in kept], np.float32)
    return Features(
        positions=positions[kept] - np.float32(DOUBLING_SHIFT),
        sigmas=np.array([keypoints[i].size for i in kept], np.float32),
        angles=np.radians(degrees) % np.float32(2 * np.pi),
        descriptors=np.sqrt(descriptors[kept] / total[kept]),
    )


def _described(
    grey: NDArray[np.uint8], *, settings: FeatureSettings, faint: bool
) -> tuple[int, Sequence[cv2.KeyPoint], NDArray[np.float32]]:
    """How many keypoints an image has; these, or of an image with very many those to keep; and their descriptors.

    To detect, select, and look again to describe gives the same as to do both at once. It takes less time when there
    are many descriptors that aren't needed, and more otherwise.
    """
    sift = _sift(settings, faint=faint)
    if _textured_pixels(grey) < TEXTURED_PIXELS * settings.keypoints:
        keypoints, descriptors = sift.detectAndCompute(grey, None)
        return len(keypoints), keypoints, np.asarray(descriptors, np.float32)
    found = sift.detect(grey, None)
    wanted = [found[i] for i in _selected(found, count=settings.keypoints)]
    keypoints, descriptors = sift.compute(grey, wanted)
    return len(found), keypoints, np.asarray(descriptors, np.float32)


def _textured_pixels(grey: NDArray[np.uint8]) -> int:
    """How many pixels differ from the mean of those around them, which tells roughly how many keypoints there are."""
    differences = cv2.absdiff(grey, cv2.blur(grey, (3, 3)))
    return cv2.countNonZero(cv2.threshold(differences, 1, 1, cv2.THRESH_BINARY)[1])


def _selected(keypoints: Sequence[cv2.KeyPoint], *, count: int) -> NDArray[np.intp]:
    if len(keypoints) <= count:
        return np.arange(len(keypoints))
    responses = np.array([keypoint.response for keypoint in keypoints], np.float32)
    return select(_positions(keypoints), responses, count=count)


def _positions(keypoints: Sequence[cv2.KeyPoint]) -> NDArray[np.float32]:
    return np.asarray(cv2.KeyPoint.convert(keypoints), np.float32)
