"""Which clusters a person wants to see, and in which order: the parameters in the address of a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pimmi.errors import PimmiError
from pimmi.study.tables import VARIANTS
from pimmi.web.clusters import Clusters
from pimmi.web.library import State

SORTS = ("size", "quality", "first", "newest", "undecided")
RELATION_FILTERS = ("identical", "same", "contained", "overlap")
DECISION_FILTERS = ("undecided", "decided", "checked", "labelled")
Number = TypeVar("Number", int, float)
SECONDS_OF_A_DAY = 86_400
_NO_IMAGES = np.zeros(0, np.int64)
METADATA = "m."
"""How the name of a parameter begins that filters by a column of the metadata."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Some clusters in an order.

    Sizes are in files, qualities from 0 to 1; `since` and `until`, in seconds since 1970, are those between which at
    least one of a cluster's posts was made.
    """

    text: str = ""
    sort: str = "size"
    smallest: int | None = None
    largest: int | None = None
    lowest_quality: float | None = None
    highest_quality: float | None = None
    variant: str = ""
    relation: str = ""
    decision: str = ""
    label: str = ""
    since: float = -np.inf
    until: float = np.inf
    metadata: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> Selection:
        """What the parameters of an address say; raises PimmiError for a value that has no sense."""
        return cls(
            text=parameters.get("q", "").strip(),
            sort=chosen_word(parameters, "sort", SORTS) or "size",
            smallest=number_given(parameters, "size_min", int),
            largest=number_given(parameters, "size_max", int),
            lowest_quality=number_given(parameters, "quality_min", float),
            highest_quality=number_given(parameters, "quality_max", float),
            variant=chosen_word(parameters, "variant", VARIANTS),
            relation=chosen_word(parameters, "relation", RELATION_FILTERS),
            decision=chosen_word(parameters, "decision", DECISION_FILTERS),
            label=parameters.get("label", ""),
            since=_day(parameters, "date_min", default=-np.inf),
            until=_day(parameters, "date_max", default=np.inf, ends=True),
            metadata={
                name.removeprefix(METADATA): value
                for name, value in parameters.items()
                if name.startswith(METADATA) and value
            },
        )

    def chosen(self, state: State) -> NDArray[np.int64]:
        """The clusters, in order."""
        held = np.flatnonzero(self._marked(state))
        return held[self._order(state, held)]

    def _marked(self, state: State) -> NDArray[np.bool_]:
        clusters = state.clusters
        marked = np.ones(len(clusters), bool)
        for limit, compare, amounts in (
            (self.smallest, np.greater_equal, clusters.files),
            (self.largest, np.less_equal, clusters.files),
            (self.lowest_quality, np.greater_equal, clusters.quality),
            (self.highest_quality, np.less_equal, clusters.quality),
        ):
            if limit is not None:
                marked &= compare(amounts, limit)
        if self.variant:
            marked &= clusters.with_variant(self.variant)
        if self.relation:
            marked &= clusters.with_relation(self.relation)
        if self.decision:
            marked &= _decided(clusters, self.decision)
        if self.label:
            labelled = [cluster for cluster, text in clusters.labels.items() if text == self.label]
            marked &= np.isin(np.arange(len(clusters)), labelled)
        if np.isfinite(self.since) or np.isfinite(self.until):
            posted = _NO_IMAGES if state.posts is None else state.posts.between(self.since, self.until)
            marked &= clusters.holding(_flags(posted, len(clusters.cluster)))
        for column, value in self.metadata.items():
            images = _NO_IMAGES if state.posts is None else state.posts.with_value(column, value)
            marked &= clusters.holding(_flags(images, len(clusters.cluster)))
        if self.text:
            marked &= _with_text(state, self.text)
        return marked

    def _order(self, state: State, held: NDArray[np.int64]) -> NDArray[np.int64]:
        clusters = state.clusters
        largest = -clusters.files[held]
        if self.sort == "quality":
            return np.lexsort((held, largest, clusters.quality[held]))
        if self.sort == "undecided":
            return np.lexsort((held, clusters.quality[held], clusters.decided[held]))
        if self.sort in ("first", "newest") and state.posts is not None:
            first, last = cluster_dates(state)
            moment = first[held] if self.sort == "first" else -last[held]
            return np.lexsort((held, largest, np.nan_to_num(moment, nan=np.inf)))
        return np.lexsort((held, largest))


def cluster_dates(state: State) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first and the last date of the posts of each cluster, in seconds since 1970; NaN where there is none."""
    clusters = state.clusters
    first, last = np.full(len(clusters), np.inf), np.full(len(clusters), -np.inf)
    if state.posts is not None:
        earliest, latest = state.posts.dates
        held = (clusters.cluster >= 0) & ~np.isnan(earliest)
        np.minimum.at(first, clusters.cluster[held], earliest[held])
        np.maximum.at(last, clusters.cluster[held], latest[held])
    return np.where(np.isinf(first), np.nan, first), np.where(np.isinf(last), np.nan, last)


def _decided(clusters: Clusters, which: str) -> NDArray[np.bool_]:
    if which == "labelled":
        return np.isin(np.arange(len(clusters)), [*clusters.labels, *clusters.notes])
    if which == "checked":
        return clusters.checked
    return clusters.decided if which == "decided" else ~clusters.decided


def images_with_text(state: State, text: str) -> NDArray[np.bool_]:
    """The images with a text in a path, or in a column of the metadata; bool, one for each of the study."""
    held: Any = pc.match_substring(state.catalogue.readable_files.column("path"), text, ignore_case=True)
    images = [state.catalogue.file_ranks[held.to_numpy().astype(bool)]]
    if state.posts is not None:
        images.append(state.posts.with_text(text))
    return _flags(np.concatenate(images), len(state.clusters.cluster))


def _with_text(state: State, text: str) -> NDArray[np.bool_]:
    """The clusters with a text in a path, a column of the metadata, a label or a note."""
    clusters = state.clusters
    found = clusters.holding(images_with_text(state, text))
    for texts in (clusters.labels, clusters.notes):
        found[[cluster for cluster, said in texts.items() if text.lower() in said.lower()]] = True
    if len(text) >= 6 and all(letter in "0123456789abcdef" for letter in text):
        names = pa.array(clusters.names.astype(str).tolist(), pa.string())
        found |= pc.starts_with(names, text).to_numpy(zero_copy_only=False)
    return found


def _flags(places: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    flags = np.zeros(count, bool)
    flags[places] = True
    return flags


def chosen_word(parameters: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    """A parameter that is one of some words, or empty; raises PimmiError for another one."""
    value = parameters.get(name, "")
    if value and value not in known:
        raise PimmiError(f"{name} is {value!r}: known are {', '.join(known)}")
    return value


def number_given(parameters: Mapping[str, str], name: str, kind: type[Number]) -> Number | None:
    """A parameter that is a number, or None; raises PimmiError for anything else."""
    value = parameters.get(name, "")
    try:
        return kind(value) if value else None
    except ValueError:
        raise PimmiError(f"{name} is {value!r}, which is no number") from None


def _day(parameters: Mapping[str, str], name: str, *, default: float, ends: bool = False) -> float:
    value = parameters.get(name, "")
    if not value:
        return default
    try:
        begin = datetime.combine(date.fromisoformat(value), time(), UTC).timestamp()
    except ValueError:
        raise PimmiError(f"{name} is {value!r}, which is no date: write it as 2024-05-31") from None
    return begin + SECONDS_OF_A_DAY - 0.001 if ends else begin
