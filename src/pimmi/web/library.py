"""A study, held in memory for the pages, and changed by decisions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pimmi.decisions.model import Decision
from pimmi.decisions.store import DecisionStore, decisions_path, read_decisions
from pimmi.errors import PimmiError, StudyError
from pimmi.outputs.disk import full_disk_named
from pimmi.pipeline.grouping import regroup_images
from pimmi.settings import MatchingSettings, Settings
from pimmi.study.catalogue import Catalogue, Links
from pimmi.study.description import read_description
from pimmi.study.groups import GroupTables, read_clusters, read_groups
from pimmi.study.layout import StudyFolder
from pimmi.study.lock import locked
from pimmi.web.clusters import Clusters
from pimmi.web.elements import Elements
from pimmi.web.links import LinkIndex
from pimmi.web.posts import Posts

GROUPING_KINDS = {"link", "together", "apart", "element"}


@dataclass(frozen=True, kw_only=True)
class State:
    """What the pages show at one moment; a change makes another one."""

    clusters: Clusters
    elements: Elements
    posts: Posts | None

    @property
    def catalogue(self) -> Catalogue:
        return self.clusters.catalogue


class Library:
    """A study as the pages see it; `originals` is the folder of images, if it isn't where it was when they were added.

    Raises StudyError if the study isn't grouped.
    """

    def __init__(self, folder: StudyFolder, *, settings: Settings, originals: Path | None = None) -> None:
        self.folder = folder
        self.settings = settings
        self.originals = originals
        self._changing = threading.RLock()
        self._store = DecisionStore(folder)
        self._join: Callable[[Catalogue], Posts] | None = None
        self._links: tuple[Catalogue, Links] | None = None
        self._preparing, self._prepared = threading.Lock(), False
        self._seen = self._stamp()
        self._state = self._read()

    @property
    def state(self) -> State:
        """What there is now; read again if another process has changed the study."""
        if self._seen != self._stamp():
            with self._changing:
                stamp = self._stamp()
                if self._seen != stamp:
                    self._state = self._read()
                    self._seen = stamp
        return self._state

    def prepare(self) -> None:
        """Begin to read what the first decision needs, so that it needn't wait; another call does nothing."""
        with self._preparing:
            if self._prepared:
                return
            self._prepared = True
        threading.Thread(target=self._read_all_links, daemon=True).start()

    def _read_all_links(self) -> None:
        """What can't be read is told of when something is decided."""
        with suppress(PimmiError), self._changing:
            self._all_links(self._state.catalogue)

    def join(self, read: Callable[[Catalogue], Posts]) -> None:
        """Show the user's table with the images; `read` gives it for the images that there are."""
        with self._changing:
            old = self._state
            posts = read(old.catalogue)
            self._join = read
            self._state = State(clusters=old.clusters, elements=old.elements, posts=posts)

    def decide(self, decisions: Sequence[tuple[str, str, str, str]]) -> list[Decision]:
        """Keep one act of decisions, and group what they touch; nothing is kept if that fails.

        Raises StudyError while another process changes the study, or when it has images that
        aren't grouped.
        """
        with self._alone() as state:
            done = self._store.add(decisions)
            try:
                self._apply(done, state)
            except BaseException:
                self._store.undo()
                raise
            return done

    def undo(self) -> list[Decision]:
        """Take the last act back, whoever made it; raises StudyError as `decide` does."""
        with self._alone() as state:
            undone = self._store.undo()
            self._apply(undone, state)
            return undone

    def out_of_date(self) -> str | None:
        """Why nothing can be decided for now, in a sentence: files were added that aren't grouped yet. Else None."""
        try:
            read_clusters(self.folder)
        except StudyError as error:
            return str(error)
        return None

    def decided(self) -> list[Decision]:
        """All decisions that hold or were replaced, the last one first."""
        return self._store.rows()[::-1]

    @contextmanager
    def _alone(self) -> Iterator[State]:
        """What there is while nobody else can change it: read again if another process did so until now."""
        with self._changing, full_disk_named(self.folder.root), locked(self.folder):
            read_clusters(self.folder)
            yield self.state

    def _apply(self, changed: list[Decision], state: State) -> None:
        clusters = state.clusters
        named = {name for row in changed if row.kind in GROUPING_KINDS for name in (row.first, row.second)}
        ranks = [rank for name in sorted(named) if (rank := clusters.rank(name)) is not None]
        groups = None
        if ranks:
            groups = regroup_images(
                clusters.catalogue,
                self._all_links(clusters.catalogue),
                images=np.array(ranks),
                matching=self._matching(),
            )
        stamp = self._stamp()
        self._state = self._with_groups(clusters.catalogue, clusters.index, posts=state.posts, groups=groups)
        self._seen = stamp

    def _all_links(self, catalogue: Catalogue) -> Links:
        """All links, weak ones as well, kept once they are read: that takes longer than grouping."""
        if self._links is None or self._links[0] is not catalogue:
            self._links = catalogue, catalogue.links(minimum_confidence=0.0)
        return self._links[1]

    def _matching(self) -> MatchingSettings:
        """What the study has now: another process may have changed it."""
        return read_description(self.folder).settings.matching

    def _read(self) -> State:
        catalogue = Catalogue.read(self.folder)
        minimum = self._matching().confidence_among(len(catalogue.images))
        index = LinkIndex.read(catalogue, minimum_confidence=minimum)
        posts = None if self._join is None else self._join(catalogue)
        return self._with_groups(catalogue, index, posts=posts)

    def _with_groups(
        self,
        catalogue: Catalogue,
        index: LinkIndex,
        *,
        posts: Posts | None,
        groups: GroupTables | None = None,
    ) -> State:
        groups = groups or read_groups(self.folder)
        clusters = Clusters.of(catalogue, index, groups=groups, decisions=read_decisions(self.folder))
        return State(clusters=clusters, elements=Elements.of(clusters, groups=groups), posts=posts)

    def _stamp(self) -> tuple[object, ...]:
        """What differs after another process has changed the study."""
        paths = (self.folder.clusters, decisions_path(self.folder))
        return tuple(path.stat().st_mtime_ns if path.exists() else None for path in paths)
