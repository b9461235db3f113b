"""The user's own table: posts, each with the path of an image; several may have one image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
from numpy.typing import NDArray

from pimmi.errors import PimmiError
from pimmi.study.catalogue import Catalogue
from pimmi.study.reading import values

MOST_VALUES = 40
"""Different values that a column may have to be offered as a filter."""
PATH_NAMES = ("path", "image", "image_path", "file", "filename", "media", "photo")
DATE_NAMES = ("date", "created_at", "time", "timestamp", "datetime", "published_at")

DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Posts:
    """Posts whose image is in the study.

    `table` has their columns; `image` int64, the rank of each one's image; `seconds` float64, since 1970, NaN where
    there is no date, or None if there is no column of dates. `unknown` posts were left out; `images` is how many the
    study has.
    """

    table: pa.Table
    image: NDArray[np.int64]
    seconds: NDArray[np.float64] | None
    path_column: str
    date_column: str | None
    unknown: int
    images: int

    @cached_property
    def facets(self) -> dict[str, list[tuple[str, int]]]:
        """The columns to filter by: their values, with how many posts have each, the most frequent first."""
        found = {}
        for name in self.table.column_names:
            if name in (self.path_column, self.date_column):
                continue
            counted = pc.value_counts(self._text(name)).to_pylist()
            if 2 <= len(counted) <= MOST_VALUES:
                pairs = [(row["values"], row["counts"]) for row in counted if row["values"]]
                found[name] = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
        return found

    def with_value(self, column: str, value: str) -> NDArray[np.int64]:
        """The images of the posts that have a value in a column."""
        if column not in self.table.column_names:
            return np.zeros(0, np.int64)
        same: Any = pc.equal(self._text(column), pa.scalar(value))
        return self.image[np.flatnonzero(pc.fill_null(same, False).to_numpy(zero_copy_only=False))]

    def with_text(self, text: str) -> NDArray[np.int64]:
        """The images of the posts of which a column holds a text, whatever its case."""
        found = np.zeros(len(self.table), bool)
        for column in self.table.columns:
            if pa.types.is_string(column.type):
                held: Any = pc.match_substring(column, text, ignore_case=True)
                found |= pc.fill_null(held, False).to_numpy(zero_copy_only=False)
        return self.image[found]

    def of(self, image: int, *, limit: int = 50) -> list[dict[str, Any]]:
        """The posts of an image, the first ones by date."""
        rows = self._by_image[self._starts[image] : self._starts[image + 1]][:limit]
        return [
            {name: _shown(value) for name, value in row.items()} for row in self.table.take(rows).to_pylist()
        ]

    def first_values(self, column: str, images: NDArray[np.int64]) -> list[str | None]:
        """The value of a column in the first post of each of some images."""
        if column not in self.table.column_names:
            return [None] * len(images)
        held = np.flatnonzero(self._starts[images + 1] > self._starts[images])
        found = self._text(column).take(self._by_image[self._starts[images[held]]]).to_pylist()
        values: list[str | None] = [None] * len(images)
        for place, value in zip(held.tolist(), found, strict=True):
            values[place] = value
        return values

    def between(self, first: float, last: float) -> NDArray[np.int64]:
        """The images of the posts from a moment to another, in seconds since 1970."""
        if self.seconds is None:
            return np.zeros(0, np.int64)
        return self.image[(self.seconds >= first) & (self.seconds <= last)]

    def count(self, image: int) -> int:
        """How many posts have an image."""
        return int(self._starts[image + 1] - self._starts[image])

    @cached_property
    def dates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The first and the last date of each image, in seconds; NaN where there is none."""
        first, last = np.full(self.images, np.inf), np.full(self.images, -np.inf)
        if self.seconds is not None:
            known = ~np.isnan(self.seconds)
            np.minimum.at(first, self.image[known], self.seconds[known])
            np.maximum.at(last, self.image[known], self.seconds[known])
        return np.where(np.isinf(first), np.nan, first), np.where(np.isinf(last), np.nan, last)

    @cached_property
    def _by_image(self) -> NDArray[np.int64]:
        late = np.zeros(len(self.image)) if self.seconds is None else np.nan_to_num(self.seconds, nan=np.inf)
        return np.lexsort((late, self.image))

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.searchsorted(self.image[self._by_image], np.arange(self.images + 1))

    def _text(self, column: str) -> Any:
        held: Any = self.table.column(column)
        return held if pa.types.is_string(held.type) else held.cast(pa.string())


def read_posts(
    source: Path | bytes, catalogue: Catalogue, *, path_column: str | None, date_column: str | None
) -> Posts:
    """Read a CSV file and join it to the images of a study.

    A path of the CSV names the file of the study that has it, or ends with it, or that has its name if only one has.
    Raises PimmiError if the file can't be read, a column isn't there, or no row has an image of the study.
    """
    table = _read_csv(source)
    path_column = _column(
        table, path_column, usual=PATH_NAMES, what="the path of the image", option="--path-column"
    )
    if date_column is None:
        date_column = next((name for name in table.column_names if name.lower() in DATE_NAMES), None)
    elif date_column not in table.column_names:
        raise _no_column(date_column, table)
    ranks = _ranks(
        values(table.set_column(0, "p", table.column(path_column).cast(pa.string())), "p"), catalogue
    )
    known = np.flatnonzero(ranks >= 0)
    if not len(known):
        example = table.column(path_column)[0].as_py() if len(table) else "nothing"
        raise PimmiError(
            f"no row of the metadata has an image of the study: {path_column} holds {example}, for example"
        )
    kept = table.take(known)
    seconds = None if date_column is None else _seconds(kept.column(date_column), name=date_column)
    return Posts(
        kept,
        ranks[known],
        seconds,
        path_column,
        date_column,
        unknown=len(table) - len(known),
        images=len(catalogue.images),
    )


def _reader(data: bytes) -> Any:
    """A copy that Arrow owns: a thread of Arrow that lets go of Python's own bytes while the process ends aborts it."""
    buffer: Any = pa.allocate_buffer(len(data))
    np.frombuffer(buffer, np.uint8)[:] = np.frombuffer(data, np.uint8)
    return pa.BufferReader(buffer)


def _read_csv(source: Path | bytes) -> pa.Table:
    convert = pcsv.ConvertOptions(strings_can_be_null=True)
    read = pcsv.ReadOptions(use_threads=False)
    try:
        data = source.read_bytes() if isinstance(source, Path) else source
        parse = pcsv.ParseOptions(newlines_in_values=True, delimiter=_delimiter(data))
        return _with_distinct_names(
            pcsv.read_csv(_reader(data), read_options=read, convert_options=convert, parse_options=parse)
        )
    except OSError as error:
        raise PimmiError(f"{source!s} can't be read: {error.strerror or error}") from error
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise PimmiError(f"the metadata are not a table in CSV and UTF-8: {error}") from error


def _delimiter(data: bytes) -> str:
    """What parts the names in the first line: spreadsheets write semicolons in many countries."""
    line = data[:100_000].partition(b"\n")[0]
    return max(DELIMITERS, key=lambda one: line.count(one.encode()))


def _with_distinct_names(table: pa.Table) -> pa.Table:
    names: list[str] = []
    for name in table.column_names:
        again = sum(held == name for held in table.column_names[: len(names)])
        names.append(f"{name} ({again + 1})" if again else name)
    return table.rename_columns(names)


def _column(table: pa.Table, name: str | None, *, usual: tuple[str, ...], what: str, option: str) -> str:
    if name is not None and name not in table.column_names:
        raise _no_column(name, table)
    found = name or next(
        (held for wanted in usual for held in table.column_names if held.lower() == wanted), None
    )
    if found is None:
        raise PimmiError(
            f"name the column that holds {what} by {option}: there are {', '.join(table.column_names)}"
        )
    return found


def _no_column(name: str, table: pa.Table) -> PimmiError:
    return PimmiError(f"the metadata have no column {name}: there are {', '.join(table.column_names)}")


def _ranks(paths: list[str | None], catalogue: Catalogue) -> NDArray[np.int64]:
    """The rank of the image at each path; -1 where the study has none."""
    files = values(catalogue.readable_files, "path")
    ranks = catalogue.file_ranks.tolist()
    whole = dict(zip(files, ranks, strict=True))
    names: dict[str, int | None] = {}
    for path, rank in zip(files, ranks, strict=True):
        name = path.rpartition("/")[2]
        names[name] = rank if names.get(name, rank) == rank else None

    def found(path: str | None) -> int:
        if not path:
            return -1
        parts = path.replace("\\", "/").lstrip("./").split("/")
        for start in range(len(parts)):
            rank = whole.get("/".join(parts[start:]))
            if rank is not None:
                return int(rank)
        rank = names.get(parts[-1])
        return -1 if rank is None else rank

    return np.array([found(path) for path in paths], np.int64)


def _seconds(column: pa.ChunkedArray[Any], *, name: str) -> NDArray[np.float64]:
    try:
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            numbers = column.cast(pa.float64()).to_numpy()
            return np.where(np.abs(numbers) > 1e11, numbers / 1000, numbers)
        if pa.types.is_string(column.type):
            column = _parsed(column)
        moments: Any = column.cast(pa.timestamp("ms"), safe=False).to_numpy()
        seconds: NDArray[np.float64] = moments.astype("datetime64[ms]").astype(np.int64) / 1000.0
        return np.where(np.isnat(moments), np.nan, seconds)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise PimmiError(
            f"the column {name} holds no dates that pimmi reads: write them as 2024-05-31 or 2024-05-31T12:30:00"
        ) from error


def _parsed(column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """Dates in words of ISO 8601 with what may be left out, or with their zone."""
    plain: Any = pc.replace_substring_regex(column, r"(\.\d+)?(Z|[+-]\d\d:?\d\d| ?UTC)$", "")
    return plain.cast(pa.timestamp("s"))  # type: ignore[no-any-return]


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
