"""A study, as a Python script or the command line uses it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pimmi.errors import SettingsError, StudyError
from pimmi.progress import Progress
from pimmi.settings import Settings
from pimmi.study.description import Description, check_settings, is_study, read_description
from pimmi.study.layout import StudyFolder
from pimmi.study.lock import left_alone, locked

if TYPE_CHECKING:
    import pyarrow as pa

    from pimmi.pipeline.adding import Added
    from pimmi.pipeline.compacting import Compacted
    from pimmi.pipeline.merging import Merged
    from pimmi.pipeline.searching import Hit, Searcher
    from pimmi.study.status import Status
    from pimmi.workers.outcome import Pool

LARGEST = 5


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Files that show the same; `id`, `rank` and `quality` are those of the clusters table."""

    id: str
    rank: int
    paths: list[str]
    quality: float
    representative_path: str
    """The file that the others are most likely made from."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a study holds; `largest` are the id, number of files and representative path of some clusters.

    `links` are those of type copy, `common_links` those that share only what many unrelated images do.
    """

    files: int
    images: int
    exact_duplicates: int
    unreadable: int
    links: int
    common_links: int
    clusters: int
    clustered_images: int
    largest: list[tuple[str, int, str]]


class Study:
    """A folder in which pimmi keeps what it finds; `pimmi.open` gives one.

    Only one process at a time can add, match, group, remove, compact or merge; StudyError says so to others. Each of
    them can be stopped at any moment, and goes on where it stopped when it is called again.
    """

    def __init__(self, path: Path, *, description: Description, settings: Settings) -> None:
        self.path = path
        self.settings = settings
        self._folder = StudyFolder(path)
        self._description = description
        self._searcher: tuple[object, Searcher] | None = None

    def add(
        self, images: str | Path, *, workers: int | Pool | None = None, progress: Progress | None = None
    ) -> Added:
        """Read the image files below a folder that the study doesn't know by path, size and time of change.

        A file whose bytes are those of one that is gone from the same folder takes its place. Files that are gone
        otherwise stay in the study, and those that `remove` removed stay removed until they change.

        Files that can't be read are listed with the reason in `images()`. `workers` is the number of
        processes, one for each core by default, or what `dask` gives. Raises PimmiError if the folder holds no
        image.
        """
        self._check_codebook()
        from pimmi.pipeline.adding import add_images

        with locked(self._folder):
            return add_images(
                self._folder, Path(images), settings=self.settings, workers=workers, progress=_shown(progress)
            )

    def match(self, *, workers: int | Pool | None = None, progress: Progress | None = None) -> None:
        """Link the images that aren't compared yet, with each other and with the rest; `workers` as in `add`."""
        self._check_codebook()
        from pimmi.pipeline.linking import link_images

        with locked(self._folder):
            link_images(self._folder, settings=self.settings, workers=workers, progress=_shown(progress))

    def group(
        self,
        *,
        algorithm: str | None = None,
        resolution: float | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Group the linked images; by default as the settings say.

        Raises StudyError if some images aren't compared yet.
        """
        from pimmi.pipeline.grouping import group_images

        given = {"algorithm": algorithm, "resolution": resolution}
        chosen = {name: value for name, value in given.items() if value is not None}
        settings = self.settings.updated({"grouping": chosen})
        with locked(self._folder):
            minimum = self._minimum_confidence()
            settings = settings.updated({"matching": {"minimum_confidence": minimum}})
            group_images(self._folder, settings=settings, progress=_shown(progress))
        self.settings = self.settings.updated({"matching": {"minimum_confidence": minimum}})

    def set_minimum_confidence(self, minimum: float) -> None:
        """Keep another `matching.minimum_confidence` in the study: less sure links are left out from now on.

        0 goes back to what so many images need. Group again afterwards. Raises SettingsError if links so little sure
        weren't kept.
        """
        changed = {"matching": {"minimum_confidence": minimum}}
        settings = self.settings.updated(changed)
        with locked(self._folder):
            self._keep_minimum_confidence(minimum)
        self.settings, self._searcher = settings, None

    def _minimum_confidence(self) -> float:
        """What the study has now, or what it was opened with if that is another; the caller holds the study's lock."""
        given = self.settings.matching.minimum_confidence
        if given != self._description.settings.matching.minimum_confidence:
            self._keep_minimum_confidence(given)
        else:
            self._description = read_description(self._folder)
        return self._description.settings.matching.minimum_confidence

    def _keep_minimum_confidence(self, minimum: float) -> None:
        kept = self.settings.matching.stored_confidence
        if 0 < minimum < kept:
            raise SettingsError(f"the minimum confidence is {minimum}, but links below {kept} weren't kept")
        description = read_description(self._folder)
        changed = description.settings.updated({"matching": {"minimum_confidence": minimum}})
        self._description = replace(description, settings=changed)
        self._description.write(self._folder)

    @contextmanager
    def dask(
        self, where: str, *, workers: int | None = None, progress: Progress | None = None
    ) -> Iterator[Pool]:
        """Workers on Dask, for `add` and `match`: `with study.dask("tcp://host:8786") as workers: …`.

        `where` is the address of a scheduler, `local` for processes of this machine (`workers` of them, one for
        each core by default), or `slurm` for the jobs that the settings describe. Workers need the study and the
        images under the same paths. Raises PimmiError if there is no such cluster, or Dask isn't installed.
        """
        from pimmi.pipeline.crew import dask_crew

        shown, slurm = _shown(progress), self.settings.slurm
        with dask_crew(where, self._folder, slurm=slurm, workers=workers, progress=shown) as pool:
            yield pool

    def remove(self, paths: str | Path | Iterable[str | Path] = (), *, missing: bool = False) -> int:
        """Remove files, and all files below folders; with `missing`, those as well that are gone from the disk.

        A path is one that the study knows, below the folder of images, or else one on the disk. Returns how many files
        were removed; the study is then to be grouped again, and matched before if they stood for many near-exact
        copies. What was read of them is kept until `compact`. Raises StudyError, and removes nothing, for a path that
        the study doesn't know, or if a whole folder of images is away.
        """
        from pimmi.pipeline.removing import remove_files

        named = [paths] if isinstance(paths, str | Path) else list(paths)
        with locked(self._folder):
            return remove_files(self._folder, named, missing=missing)

    def compact(self, *, progress: Progress | None = None) -> Compacted:
        """Drop what was read of images that no file holds any more, and join small shards; no table changes.

        It can be stopped at any moment, and goes on when it is called again. Raises StudyError if some images aren't
        compared yet.
        """
        from pimmi.pipeline.compacting import compact_study

        with locked(self._folder):
            return compact_study(self._folder, settings=self.settings, progress=_shown(progress))

    def merge(self, *others: Study | str | Path, progress: Progress | None = None) -> Merged:
        """Bring all that other studies hold into this one, without reading an image.

        The study is then to be matched and grouped. The others don't change. What a person decided in them comes as
        well; on the same thing that of this study holds, or else the latest. Stopped halfway, no image has come.
        Raises StudyError if a study was made with other settings or another codebook, is being changed, or has another
        image under the same path.
        """
        from pimmi.pipeline.merging import merge_studies

        opened = [self._like(other) for other in others]
        with ExitStack() as locks:
            locks.enter_context(locked(self._folder))
            for other in opened:
                locks.enter_context(left_alone(other._folder))
            return merge_studies(self._folder, [other._folder for other in opened], progress=_shown(progress))

    def shared_with(
        self,
        other: Study | str | Path,
        *,
        workers: int | Pool | None = None,
        progress: Progress | None = None,
    ) -> pa.Table:
        """A row for each image of this study and one of another of which one shows a part, or all, of the other.

        Images that are in both, byte for byte, are among them. Neither study changes. The columns are those of
        `links()` without `type`, with `query_id` and `result_id`; the query is of this study. Meanwhile nobody can
        change either. Raises StudyError if one of them is being changed, or the other one was made with other settings
        or another codebook.
        """
        self._check_codebook()
        from pimmi.pipeline.sharing import shared_table

        opened = self._like(other)
        with left_alone(self._folder), left_alone(opened._folder):
            return shared_table(
                self._folder,
                opened._folder,
                settings=self.settings.matching,
                workers=workers,
                progress=_shown(progress),
            )

    def status(self) -> Status:
        """What is done and what is not; it takes seconds at most, however large the study."""
        from pimmi.study.status import study_status

        return study_status(self._folder, decisions=len(self.decisions()))

    def _like(self, other: Study | str | Path) -> Study:
        """Another study; raises StudyError if it couldn't be a part of this one."""
        opened = other if isinstance(other, Study) else open_study(other)
        if opened.path.resolve() == self.path.resolve():
            raise StudyError(f"{opened.path} is the study itself: name another one")
        if opened._description.codebook_hash != self._description.codebook_hash:
            raise StudyError(
                f"{opened.path} was made with codebook {opened._description.codebook_version}, and {self.path} with "
                f"{self._description.codebook_version}: make one of them anew"
            )
        if differing := self._description.settings.differences(opened._description.settings):
            raise StudyError(
                f"{opened.path} was made with other settings than {self.path}, {', '.join(differing)}: "
                "make one of them anew"
            )
        return opened

    def search(self, image: str | Path, *, limit: int = 20) -> list[Hit]:
        """The files that show a part, or all, of an image: exact copies first, then the surest.

        The image needn't be in the study, which doesn't change. The second search from one Study object on is
        faster, as what it searches in is kept in memory, about 16 kB an image. Raises UnreadableImage.
        """
        self._check_codebook()
        from pimmi.pipeline.searching import Searcher, search_image

        state = self._folder.files_numbers(), self._folder.shard_numbers()
        if self._searcher is None or self._searcher[0] != state:
            self._searcher = state, Searcher(self._folder, settings=self.settings)
        else:
            self._searcher[1].prepare()
        return search_image(self._searcher[1], Path(image), settings=self.settings, limit=limit)

    def links(self) -> pa.Table:
        """A row for each pair of images of which one shows a part, or all, of the other.

        Byte-identical files are linked to the first of them. The columns of this and the other tables are
        explained by `pimmi export --help`.
        """
        import pyarrow as pa

        return pa.concat_tables(self.link_batches())

    def link_batches(self) -> Iterator[pa.Table]:
        """The rows of `links()`, half a million at a time: the memory that it takes hardly grows with their number."""
        from pimmi.study.catalogue import Catalogue
        from pimmi.study.tables import link_batches

        catalogue = Catalogue.read(self._folder)
        minimum = self.settings.matching.confidence_among(len(catalogue.images))
        yield from link_batches(catalogue, minimum_confidence=minimum)

    def images(self) -> pa.Table:
        """A row for each file, readable or not."""
        from pimmi.study.catalogue import Catalogue
        from pimmi.study.tables import images_table

        return images_table(Catalogue.read(self._folder))

    def cluster_table(self) -> pa.Table:
        """A row for each file that is in a cluster; raises StudyError if not all images are grouped."""
        from pimmi.study.catalogue import Catalogue
        from pimmi.study.tables import clusters_table

        return clusters_table(Catalogue.read(self._folder))

    def elements(self) -> pa.Table:
        """A row for each element: something that recurs in several images; StudyError if not all are grouped."""
        from pimmi.study.catalogue import Catalogue
        from pimmi.study.tables import elements_table

        return elements_table(Catalogue.read(self._folder))

    def memberships(self) -> pa.Table:
        """A row for each image of each element, with its region; StudyError if not all images are grouped."""
        from pimmi.study.catalogue import Catalogue
        from pimmi.study.tables import memberships_table

        return memberships_table(Catalogue.read(self._folder))

    def decisions(self) -> pa.Table:
        """A row for each decision that a person made on the pages (`pimmi ui`) and didn't undo."""
        from pimmi.decisions.store import decisions_table

        return decisions_table(self._folder)

    def clusters(self, *, min_size: int = 2) -> Iterator[Cluster]:
        """The clusters of at least `min_size` files, the largest first."""
        members: list[dict[str, Any]] = []
        rows = self.cluster_table().to_pylist()
        for place, row in enumerate(rows):
            members.append(row)
            if place + 1 == len(rows) or rows[place + 1]["cluster_id"] != row["cluster_id"]:
                if len(members) >= min_size:
                    yield _cluster(members)
                members = []

    def summary(self) -> Summary:
        """How much of everything there is."""
        from pimmi.study.catalogue import Catalogue
        from pimmi.study.tables import count_links

        images, clusters = self.images(), list(self.clusters())
        catalogue = Catalogue.read(self._folder)
        minimum = self.settings.matching.confidence_among(len(catalogue.images))
        copies, common = count_links(catalogue, minimum_confidence=minimum)
        exact_duplicates = len(images) - images.column("duplicate_of").null_count
        unreadable = images.column("image_id").null_count
        return Summary(
            files=len(images),
            images=len(images) - unreadable - exact_duplicates,
            exact_duplicates=exact_duplicates,
            unreadable=unreadable,
            links=copies,
            common_links=common,
            clusters=len(clusters),
            clustered_images=sum(len(cluster.paths) for cluster in clusters),
            largest=[
                (cluster.id, len(cluster.paths), cluster.representative_path)
                for cluster in clusters[:LARGEST]
            ],
        )

    def _check_codebook(self) -> None:
        from pimmi.pipeline.crew import check_codebook

        check_codebook(self._folder, made_with=self._description)

    def __repr__(self) -> str:
        return f"Study({str(self.path)!r})"


def open_study(path: str | Path, *, create: bool = False, settings: Settings | None = None) -> Study:
    """Open the study in a folder; with `create`, make it if the folder isn't there or is empty.

    `settings` are for a new study, the default ones if it is None; for a study that exists they must agree
    with those that made it, but for how to group. Raises StudyError if there is no study, or one that this
    pimmi can't go on with.
    """
    path = Path(path)
    folder = StudyFolder(path)
    if create and not is_study(path):
        _make(folder, settings or Settings())
    description = read_description(folder)
    if settings is not None:
        check_settings(folder, made_with=description.settings, given=settings)
    return Study(path, description=description, settings=settings or description.settings)


def _make(folder: StudyFolder, settings: Settings) -> None:
    from pimmi.index.codebook import VERSION, load_codebook

    root = folder.root
    if root.exists() and not root.is_dir():
        raise StudyError(f"{root} is a file: give the name of a folder for the study")
    if root.exists() and any(not path.name.startswith(".") for path in root.iterdir()):
        raise StudyError(f"{root} holds other files than a study: name a new folder for the study")
    root.mkdir(parents=True, exist_ok=True)
    description = Description(
        settings=settings,
        codebook_version=VERSION,
        codebook_hash=load_codebook(settings.matching.codebook).hash,
    )
    with locked(folder):
        if not is_study(root):
            description.write(folder)


def _cluster(rows: list[dict[str, Any]]) -> Cluster:
    first = rows[0]
    return Cluster(
        id=first["cluster_id"],
        rank=first["cluster_rank"],
        paths=[row["path"] for row in rows],
        quality=first["quality"],
        representative_path=next(row["path"] for row in rows if row["representative"]),
    )


def _shown(progress: Progress | None) -> Progress:
    return Progress(quiet=True) if progress is None else progress
