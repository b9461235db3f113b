"""Which of the listed elements a person wants to see: the parameters in the address of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pimmi.study.reading import values
from pimmi.web.clusters import Ints
from pimmi.web.library import State
from pimmi.web.selection import chosen_word, images_with_text, number_given

KINDS = ("frame", "mark", "picture", "part")
VERDICTS = ("common", "own", "undecided")
"""Marked as common, marked as not common, or left as the computer has it."""


@dataclass(frozen=True, kw_only=True)
class ElementSelection:
    """Some of the elements that are listed; sizes are in images, `text` is in a path or the metadata of one of them."""

    text: str = ""
    kind: str = ""
    verdict: str = ""
    smallest: int | None = None
    largest: int | None = None

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> ElementSelection:
        """What the parameters of an address say; raises PimmiError for a value that has no sense."""
        return cls(
            text=parameters.get("q", "").strip(),
            kind=chosen_word(parameters, "kind", KINDS),
            verdict=chosen_word(parameters, "verdict", VERDICTS),
            smallest=number_given(parameters, "size_min", int),
            largest=number_given(parameters, "size_max", int),
        )

    def chosen(self, state: State) -> Ints:
        """The places of the elements, the largest first."""
        elements = state.elements
        held = elements.listed
        kept = np.ones(len(held), bool)
        if self.smallest is not None:
            kept &= elements.sizes[held] >= self.smallest
        if self.largest is not None:
            kept &= elements.sizes[held] <= self.largest
        if self.kind:
            kept &= np.array(values(elements.about, "kind"))[held] == self.kind
        if self.verdict:
            marked = elements.marked[held]
            kept &= ~marked if self.verdict == "undecided" else marked
            if self.verdict != "undecided":
                kept &= elements.common[held] == (self.verdict == "common")
        if self.text:
            kept &= elements.held_by(images_with_text(state, self.text))[held]
        return held[kept]
