"""What takes longer to see of two images: other places that fit as well, and how well parts lie on each other."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from laid import Floats, Grey, compared, grey_picture, recompressed

from pimmi.matching.alignment import UNKNOWN
from pimmi.matching.confirm import GAIN, MISALIGNMENT, REPEAT
from pimmi.matching.second_look import CERTAIN, RIVAL

CORRELATION = 4


def striped(phase: float) -> Grey:
    y, x = np.mgrid[:192, :256]
    return np.asarray(128 + 80 * np.sin((x + 2 * y) / 8 + phase), np.uint8)


def noisy(grey: Grey) -> Grey:
    return np.asarray((grey + np.random.default_rng(0).normal(0, 80, grey.shape)).clip(0, 255), np.uint8)


@pytest.mark.parametrize("rival", [RIVAL, 1.0])
def test_where_points_doubt_the_place_pixels_are_asked_for_others(rival: float) -> None:
    cat = grey_picture("cat")
    assert compared(striped(0.0), striped(0.2), rival=rival)[REPEAT] > 0.95
    assert 0 < compared(cat, recompressed(cat), rival=rival)[REPEAT] < 0.75
    assert 0 < compared(cat, 255 - cat, change=2, rival=rival)[REPEAT] < 0.75


def test_where_pixels_fit_badly_they_are_asked_as_well() -> None:
    cat = grey_picture("cat")
    of_cat, of_stripes = compared(cat, noisy(cat)), compared(striped(0.0), noisy(striped(0.8)))
    assert of_cat[CORRELATION] < CERTAIN
    assert of_stripes[CORRELATION] < CERTAIN
    assert 0 < of_cat[REPEAT] < 0.75
    assert of_stripes[REPEAT] > 0.95


def test_where_points_and_pixels_are_sure_or_pixels_differ_they_are_not() -> None:
    cat = grey_picture("cat")
    assert compared(cat, recompressed(cat), rival=RIVAL / 2)[REPEAT] == 0
    assert compared(striped(0.0), striped(np.pi), rival=1.0)[REPEAT] == 0


def bent(grey: Grey, *, by: float) -> Grey:
    """The picture with each part moved in a direction of its own, up to `by` pixels."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]].astype(np.float32)
    moves = []
    for _ in range(2):
        coarse = rng.uniform(-by, by, (6, 8)).astype(np.float32)
        moves.append(cv2.resize(coarse, grey.shape[::-1], interpolation=cv2.INTER_CUBIC))
    moved = cv2.remap(grey, x + moves[0], y + moves[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.uint8)


def tilted(grey: Grey, *, by: float) -> Grey:
    """The picture seen from the side: its right edge is shorter by that share."""
    high, wide = grey.shape
    corners = np.array([[0, 0], [wide, 0], [0, high], [wide, high]], np.float32)
    seen = corners.copy()
    seen[1, 1] += by * high / 2
    seen[3, 1] -= by * high / 2
    return np.asarray(
        cv2.warpPerspective(
            grey, cv2.getPerspectiveTransform(corners, seen), (wide, high), borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )


@pytest.mark.parametrize("name", ["astronaut", "cat", "temple", "coffee"])
def test_parts_of_a_copy_lie_where_they_should(name: str) -> None:
    grey = grey_picture(name)
    assert compared(grey, recompressed(grey))[MISALIGNMENT] < 0.06
    assert compared(grey, 255 - grey, change=2)[MISALIGNMENT] < 0.03
    assert compared(grey, (grey // 3 + 90).astype(np.uint8))[MISALIGNMENT] < 0.06


@pytest.mark.parametrize("name", ["astronaut", "cat", "temple", "coffee"])
def test_parts_that_moved_by_themselves_lie_elsewhere(name: str) -> None:
    grey = grey_picture(name)
    a_little, more = (compared(grey, bent(grey, by=pixels))[MISALIGNMENT] for pixels in (2, 5))
    assert 0.06 < a_little < more


@pytest.mark.parametrize("name", ["astronaut", "cat", "temple"])
def test_a_transform_that_is_not_quite_right_is_put_right(name: str) -> None:
    grey = grey_picture(name)
    shifted: Floats = compared(grey, grey, transform=(1.0, 0.005, 1.0, -0.005, 1.0, -1.5))
    exact: Floats = compared(grey, grey)
    assert shifted[MISALIGNMENT] < 0.1
    assert shifted[CORRELATION] < shifted[CORRELATION] + shifted[GAIN] <= 1
    assert exact[GAIN] < 0.001


@pytest.mark.parametrize("name", ["astronaut", "cat", "temple", "coffee"])
@pytest.mark.parametrize("by", [0.05, 0.1, 0.15])
def test_a_picture_seen_from_the_side_is_laid_onto_itself(name: str, by: float) -> None:
    grey = grey_picture(name)
    seen = compared(grey, tilted(grey, by=by), transform=(1.0, 0.0, 0.0, 0.0, 1 - by / 2, by / 2 * 96))
    assert seen[CORRELATION] < 0.91
    assert 0.9 < seen[CORRELATION] + seen[GAIN] <= 1
    assert seen[MISALIGNMENT] < 0.11


@pytest.mark.parametrize(("one", "other"), [("astronaut", "cat"), ("temple", "coffee"), ("page", "moon")])
def test_a_picture_can_not_be_laid_onto_another(one: str, other: str) -> None:
    row = compared(grey_picture(one), grey_picture(other))
    assert row[GAIN] < 0.12
    assert row[MISALIGNMENT] > 0.2


def test_where_hardly_any_window_can_tell_nothing_is_known() -> None:
    blank = np.full((192, 256), 128, np.uint8)
    assert compared(blank, blank)[MISALIGNMENT] == UNKNOWN
    assert compared(blank, grey_picture("cat"))[[MISALIGNMENT, GAIN]].tolist() == [UNKNOWN, 0]


def test_what_was_drawn_over_a_copy_does_not_count() -> None:
    grey = grey_picture("astronaut")
    covered = grey.copy()
    covered[30:110, 60:180] = grey_picture("page", width=120, height=80)
    assert compared(grey, covered)[MISALIGNMENT] < 0.06


WITHOUT_SCIPY = """
import sys
sys.modules["scipy"] = None
import numpy as np
from pimmi.matching.alignment import misalignment
from pimmi.matching.sampling import LONGEST_GRID
grid = np.random.default_rng(0).uniform(0, 255, (LONGEST_GRID, LONGEST_GRID))
moved = np.ascontiguousarray(np.roll(grid, 1, axis=1) / 2 + grid / 2)
print(misalignment(grid, moved, LONGEST_GRID, LONGEST_GRID, 1.0)[0])
"""


def test_scipy_is_not_needed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SCIPY], check=False, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert 0.01 < float(done.stdout) < 0.1
