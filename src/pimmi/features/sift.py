"""SIFT keypoints and descriptors of one image, by OpenCV."""

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
    keypoints, descriptors = _sift(settings, faint=False).detectAndCompute(grey, None)
    if len(keypoints) < settings.few_keypoints:
        keypoints, descriptors = _sift(settings, faint=True).detectAndCompute(grey, None)
    if not keypoints:
        return NO_FEATURES
    positions = np.asarray(cv2.KeyPoint.convert(keypoints), np.float32)
    responses = np.fromiter((k.response for k in keypoints), np.float32, len(keypoints))
    kept = select(positions, responses, count=settings.keypoints)
    kept = kept[descriptors[kept].any(axis=1)]
    kept = kept[np.lexsort([positions[kept, 0], positions[kept, 1]])]
    described = descriptors[kept]
    degrees = np.array([keypoints[i].angle for i in kept], np.float32)
    return Features(
        positions=positions[kept] - np.float32(DOUBLING_SHIFT),
        sigmas=np.array([keypoints[i].size for i in kept], np.float32),
        angles=np.radians(degrees) % np.float32(2 * np.pi),
        descriptors=np.sqrt(described / described.sum(axis=1, keepdims=True)),
    )
