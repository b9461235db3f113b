"""What takes longer to see, of links that may be copies: whether another place fits as well, and how well parts lie."""

import numpy as np
from numba import njit

from pimmi.matching.alignment import misalignment
from pimmi.matching.confirm import GAIN, MISALIGNMENT, REPEAT
from pimmi.matching.repeating import repeat
from pimmi.matching.sampling import LONGEST_GRID, lay_over, sign_of

RIVAL = 0.1
"""Rival of a link (`pimmi.matching.verify`) from which on its pixels are asked whether another place fits as well."""
CERTAIN = 0.85
"""Mean correlation from which on they are not, if the points speak for one place."""
PURE = 0.7
"""Share, of the windows that agree or conflict, that agree in what may be a pattern."""


@njit(cache=True, nogil=True)
def look_again(links, possible, unsure, working_sizes, levels, sizes, pixels):  # type: ignore[no-untyped-def]
    """Fill the last three columns of `pixels`, as of `pimmi.matching.confirm`, where they matter.

    `repeat` is how well the best other place fits, as a share of how well this one does: near 1 in patterns that
    repeat, along stripes, and wherever else pixels can't tell the place. Asked are links that are `possible`, bool
    (m,); but not where points speak for one place and pixels for this one, or pixels against it. `misalignment` is how
    far parts are from where the others lay them, in samples of the grid, and `gain` how much more the images correlate
    once they are moved there; asked are those that are `unsure`, bool (m,). The other arguments are those of `confirm`.
    """
    a = np.empty((LONGEST_GRID, LONGEST_GRID))
    b = np.empty((LONGEST_GRID, LONGEST_GRID))
    for row in range(len(links)):
        agree, conflict = pixels[row, 0], pixels[row, 1]
        certain = pixels[row, 4] >= CERTAIN and links[row, 12] < RIVAL
        may_repeat = possible[row] and not certain and agree > 0 and agree >= PURE * (agree + conflict)
        if not (may_repeat or unsure[row]):
            continue
        rows, columns, _, _, _, _, _ = lay_over(links[row], working_sizes, levels, sizes, a, b)
        if rows == 0:
            continue
        sign = sign_of(links[row])
        if may_repeat:
            pixels[row, REPEAT] = repeat(a, b, rows, columns, sign)
        if unsure[row]:
            pixels[row, MISALIGNMENT], pixels[row, GAIN] = misalignment(a, b, rows, columns, sign)
