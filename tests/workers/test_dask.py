"""Tasks and whole runs on Dask: real schedulers, workers and jobs, some of which are killed."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import pimmi
from conftest import exports
from pimmi.pipeline.reading import ReadTask, read_images
from pimmi.settings import SlurmSettings
from pimmi.study.writing import written_whole
from pimmi.workers import cluster, dask_pool, remote
from pimmi.workers.cluster import connector, scheduler_at, slurm_cluster
from pimmi.workers.dask_pool import DaskPool
from pimmi.workers.outcome import Crashed, Done, Failed
from pimmi.workers.remote import Surroundings, get_ready, versions

STOPPED = (130, -signal.SIGINT)
"""How a command ends after Ctrl-C; a shell says 130 for both. Python itself chooses the second where the interrupt came
while it ran text as code, as dataclasses do."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs POSIX signals")

NOBODY = "tcp://127.0.0.1:9"
IMPORTABLE = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(
        map(str, (Path(__file__).parent, Path(__file__).parents[1], Path(pimmi.__file__).parents[1]))
    ),
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
}


def wait_until(reached: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.05)


@contextmanager
def started(*words: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Dask, with a group of its own, which is killed at the end."""
    with log.open("wb") as file:
        command = [sys.executable, "-m", "dask", *words]
        process = subprocess.Popen(command, env=IMPORTABLE, stderr=file, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def started_scheduler(folder: Path) -> Iterator[str]:
    """The address of a scheduler without workers."""
    about = folder / "scheduler.json"
    words = ("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    with started(*words, "--scheduler-file", str(about), log=folder / "scheduler.log"):
        wait_until(lambda: about.exists() and about.read_text().endswith("}"))
        yield json.loads(about.read_text())["address"]


def worker(address: str, *more: str) -> tuple[str, ...]:
    return ("worker", address, "--nthreads", "1", "--memory-limit", "0", "--no-dashboard", *more)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with a `dask worker` that has two processes."""
    folder = tmp_path_factory.mktemp("scheduler")
    with (
        started_scheduler(folder) as address,
        started(*worker(address, "--nworkers", "2"), log=folder / "worker.log"),
    ):
        yield address


@pytest.fixture(scope="module")
def pool(scheduler: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskPool]:
    with DaskPool(connect_to(scheduler), folder=tmp_path_factory.mktemp("shared")) as pool:
        assert list(pool.map_unordered(abs, [-1])) == [Done(0, 1)]
        wait_until(lambda: pool.workers == 2)
        yield pool


def connect_to(address: str) -> Any:
    return connector(address, workers=None, slurm=SlurmSettings(), say=print)


def end_with(code: int) -> int:
    if code:
        os._exit(code)
    return code


def something_local(_task: object) -> object:
    return lambda: None


def note_pid(path: Path) -> str:
    path.write_text(str(os.getpid()))
    return path.name


def write_when(task: tuple[Path, Path]) -> bool:
    """Write a file once another is there."""
    go, path = task
    while not go.exists():
        time.sleep(0.01)
    with written_whole(path) as unfinished:
        unfinished.touch()
    return True


def test_every_task_has_one_outcome(pool: DaskPool) -> None:
    outcomes = list(pool.map_unordered(math.sqrt, range(30)))
    assert sorted(outcomes, key=lambda outcome: outcome.index) == [Done(i, math.sqrt(i)) for i in range(30)]
    assert list(pool.map_unordered(math.sqrt, [])) == []


def test_an_exception_comes_back(pool: DaskPool) -> None:
    outcomes = sorted(pool.map_unordered(math.sqrt, [4, -1, 9]), key=lambda outcome: outcome.index)
    assert [outcomes[0], outcomes[2]] == [Done(0, 2.0), Done(2, 3.0)]
    assert isinstance(outcomes[1], Failed)
    assert isinstance(outcomes[1].error, ValueError)
    (unpicklable,) = pool.map_unordered(something_local, [0])
    assert isinstance(unpicklable, Failed)
    assert "lambda" in str(unpicklable.error)


def test_tasks_are_taken_as_workers_become_free(pool: DaskPool) -> None:
    taken = 0

    def tasks() -> Iterator[int]:
        nonlocal taken
        for task in range(40):
            taken += 1
            yield task

    for done, _ in enumerate(pool.map_unordered(abs, tasks()), start=1):
        assert taken <= done + 2 * pool.workers
    assert taken == 40


def test_a_task_of_which_workers_die_is_the_only_one_lost(pool: DaskPool) -> None:
    outcomes = {outcome.index: outcome for outcome in pool.map_unordered(end_with, [0, 0, 3, 0])}
    assert [index for index, outcome in outcomes.items() if isinstance(outcome, Done)] != []
    crashed = outcomes.pop(2)
    assert isinstance(crashed, Crashed)
    assert "2 workers died of it, the last on 127.0.0.1" in crashed.reason
    assert set(outcomes) == {0, 1, 3}
    assert list(pool.map_unordered(abs, [-5])) == [Done(0, 5)]


def test_results_that_go_with_their_workers_are_made_again(pool: DaskPool, tmp_path: Path) -> None:
    """A result stays in its worker until it is taken."""
    wait_until(lambda: pool.workers == 2)
    paths = [tmp_path / str(number) for number in range(4)]
    outcomes = pool.map_unordered(note_pid, paths)
    taken = [next(outcomes)]
    wait_until(lambda: all(path.exists() and path.read_text() for path in paths))
    time.sleep(0.5)
    for pid in {int(path.read_text()) for path in paths}:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    taken += outcomes
    assert sorted(taken, key=lambda outcome: outcome.index) == [Done(i, str(i)) for i in range(4)]


def test_what_a_task_writes_after_it_was_given_up_is_thrown_away(pool: DaskPool, tmp_path: Path) -> None:
    now, later = tmp_path / "now", tmp_path / "later"
    now.touch()
    written, unwritten = tmp_path / "written", tmp_path / "unwritten"
    for outcome in pool.map_unordered(write_when, [(now, written), (later, unwritten)]):
        assert outcome == Done(0, True)
        break
    later.touch()
    assert len(list(pool.map_unordered(abs, range(20)))) == 20
    assert written.exists()
    time.sleep(0.2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["later", "now", "written"]


def test_other_versions_are_refused(scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple((name, "0.1" if name == "numpy" else number) for name, number in versions())
    monkeypatch.setattr(dask_pool, "versions", lambda: others)
    with (
        DaskPool(connect_to(scheduler), folder=tmp_path) as pool,
        pytest.raises(pimmi.PimmiError, match=r"has numpy \d.*pimmi has 0.1: install the same versions"),
    ):
        list(pool.map_unordered(abs, [1]))


def test_a_machine_that_sees_no_study_or_no_images_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "SHOWN_S", 0.1)
    reason = get_ready(Surroundings(versions(), ()), tmp_path / "elsewhere" / "permit")
    assert reason is not None
    assert f"doesn't see the study in {tmp_path / 'elsewhere'}" in reason
    settings = pimmi.Settings()
    with pytest.raises(pimmi.PimmiError, match=r"can't be seen from .* under the same path"):
        read_images(ReadTask(tmp_path / "elsewhere", (), frozenset(), settings))
    with pytest.raises(pimmi.PimmiError, match=r"is empty on .* under the same path"):
        read_images(ReadTask(tmp_path, (), frozenset(), settings))


def test_without_workers_a_run_ends(tmp_path: Path) -> None:
    with started_scheduler(tmp_path) as address, scheduler_at(address, say=print) as found:
        impatient = replace(found, patience_s=0.3)
        with (
            DaskPool(lambda: nullcontext(impatient), folder=tmp_path) as pool,
            pytest.raises(pimmi.PimmiError, match=f"{address} has no worker: start some with dask worker"),
        ):
            list(pool.map_unordered(abs, [1]))


def test_workers_with_several_threads_are_refused(tmp_path: Path) -> None:
    with (
        started_scheduler(tmp_path) as address,
        started("worker", address, "--nthreads", "2", "--no-nanny", log=tmp_path / "worker.log"),
        DaskPool(connect_to(address), folder=tmp_path) as pool,
        pytest.raises(pimmi.PimmiError, match="has 2 threads: start workers with --nthreads 1"),
    ):
        list(pool.map_unordered(abs, [1]))


def pimmi_run(*words: object, before: str = "") -> tuple[int, str]:
    """The exit status of a command, and what it said."""
    code = f"{before}\nimport sys; from pimmi.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stderr


@pytest.fixture
def settings(small_shards: pimmi.Settings, tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(small_shards.to_toml(), encoding="utf-8")
    return path


def test_a_worker_that_is_killed_midway_changes_nothing(
    corpus: Path, small_shards: pimmi.Settings, scheduler: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """A worker is stopped, so that it can't finish what it is given, and killed when it has something."""
    from distributed import Client

    study = pimmi.open(tmp_path / "study", create=True, settings=small_shards)
    lost: list[Any] = []
    matched = threading.Event()

    def kill_when_busy() -> None:
        with Client(scheduler, set_as_default=False) as client:
            while not lost and not matched.wait(0.05):
                lost.extend(keys for place, keys in client.processing().items() if place == name and keys)
        victim.kill()

    with (
        started(*worker(scheduler, "--no-nanny", "--name", "victim"), log=tmp_path / "log") as victim,
        Client(scheduler, set_as_default=False) as client,
        study.dask(scheduler) as workers,
    ):
        wait_until(lambda: bool(places(client, "victim")))
        (name,) = places(client, "victim")
        study.add(corpus / "images", workers=workers)
        victim.send_signal(signal.SIGSTOP)
        killer = threading.Thread(target=kill_when_busy)
        killer.start()
        try:
            study.match(workers=workers)
        finally:
            matched.set()
            killer.join()
    assert lost
    study.group()
    assert exports(study, tmp_path / "tables") == expected


def places(client: Any, name: str) -> list[str]:
    """The addresses of the workers of a name."""
    workers: dict[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    return [address for address, about in workers.items() if about["name"] == name]


def test_a_new_study_in_the_place_of_another_is_compared_afresh(
    corpus: Path, scheduler: str, small_shards: pimmi.Settings, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """Workers that outlive a study must not take what they remember of it for the next one."""
    part, path = tmp_path / "part", tmp_path / "study"
    part.mkdir()
    for file in sorted((corpus / "images").glob("*.jpg"))[20:]:
        shutil.copy(file, part)
    for images in (part, corpus / "images"):
        shutil.rmtree(path, ignore_errors=True)
        study = pimmi.open(path, create=True, settings=small_shards)
        with study.dask(scheduler) as workers:
            study.add(images, workers=workers)
            study.match(workers=workers)
    study.group()
    assert exports(study, tmp_path / "tables") == expected


def test_a_run_on_local_dask_that_is_stopped_goes_on_and_gives_the_same(
    corpus: Path, settings: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """The terminal sends Ctrl-C to all processes of the command, local workers included."""
    study = tmp_path / "study"
    words = ("run", corpus / "images", study, "--settings", settings, "--dask", "local", "--workers", 2)
    process = subprocess.Popen(
        [sys.executable, "-m", "pimmi", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not (study / "shards" / "0000").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode in STOPPED
    assert said.splitlines()[-1] == "pimmi: stopped: the same command goes on where it stopped"
    assert "Traceback" not in said
    assert not list(study.rglob(".new-*"))
    status, said = pimmi_run(*words)
    assert status == 0, said
    assert "Traceback" not in said
    assert not list(study.rglob(".new-*"))
    assert exports(study, tmp_path / "tables") == expected


def test_without_the_extra_it_is_named(corpus: Path, tmp_path: Path) -> None:
    for missing, where in (("distributed", "local"), ("dask_jobqueue", "slurm")):
        status, said = pimmi_run(
            "run", corpus / "images", tmp_path / "study", "--dask", where,
            before=f"import sys; sys.modules[{missing!r}] = None",
        )  # fmt: skip
        assert status == 2
        assert said.splitlines()[-1] == (
            f'pimmi: --dask needs a package that is not installed, {missing}: pip install "pimmi[cluster]"'
        )


def test_where_no_cluster_is_a_sentence_says_so(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "ANSWER_S", 1)
    study = pimmi.open(tmp_path / "study", create=True)

    def said(where: str, workers: int | None = None) -> str:
        with pytest.raises(pimmi.PimmiError) as raised, study.dask(where, workers=workers) as crew:
            study.add(corpus / "images", workers=crew)
        return str(raised.value)

    assert said(NOBODY) == (
        f"no Dask scheduler answers at {NOBODY}: see that dask scheduler runs there, "
        "and give the address that it printed"
    )
    assert "'lokal' names no Dask cluster: give local, slurm, or the address" in said("lokal")
    assert "--workers doesn't go with --dask tcp://127.0.0.1:9" in said(NOBODY, workers=3)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "there is no sbatch here" in said("slurm")


def test_slurm_is_asked_for_what_the_settings_say() -> None:
    settings = SlurmSettings(
        queue="long",
        account="press",
        cores=6,
        memory=24,
        walltime=90,
        directives="--constraint=avx2; --exclusive",
        prologue="module load python",
    )
    with slurm_cluster(settings, refusals=[]) as jobs:
        lines = jobs.job_script().splitlines()
    directives = {line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH")}
    assert directives >= {"-J pimmi", "-p long", "-A press", "--cpus-per-task=6", "--mem=24G", "-t 01:30:00"}
    assert directives >= {"--constraint=avx2", "--exclusive"}
    assert {"module load python", "export NUMBA_NUM_THREADS=1"} <= set(lines)
    (command,) = [line for line in lines if "dask_worker" in line]
    assert "--nthreads 1" in command
    assert "--nworkers 6" in command
    assert command.endswith("--memory-limit 0 --lifetime 85m --lifetime-stagger 2m")


SBATCH = """#!/bin/sh
cp "$1" job-$$
setsid sh job-$$ > job-$$.log 2>&1 < /dev/null &
echo $! >> jobs
echo Submitted batch job $!
"""
SCANCEL = """#!/bin/sh
kill -9 -- -$1
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an sbatch that starts the job at once, on this machine."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(folder)
    return folder


def test_a_run_on_jobs_of_slurm_of_which_one_ends_gives_the_same(
    corpus: Path, slurm: Path, small_shards: pimmi.Settings, expected: dict[str, bytes], tmp_path: Path
) -> None:
    settings = small_shards.updated({"slurm": {"jobs": 1, "cores": 2, "memory": 2}})
    study = pimmi.open(tmp_path / "study", create=True, settings=settings)
    with study.dask("slurm") as workers:
        assert workers.workers == 2
        study.add(corpus / "images", workers=workers)
        (job,) = (slurm / "jobs").read_text().split()
        os.killpg(int(job), signal.SIGKILL)
        study.match(workers=workers)
    study.group()
    assert exports(study, tmp_path / "tables") == expected
    assert len((slurm / "jobs").read_text().split()) == 2


def test_a_job_that_ends_as_soon_as_it_worked_is_replaced(
    slurm: Path, small_shards: pimmi.Settings, tmp_path: Path
) -> None:
    settings = small_shards.updated({"slurm": {"jobs": 1, "cores": 1, "memory": 1}})
    study = pimmi.open(tmp_path / "study", create=True, settings=settings)
    with study.dask("slurm") as workers:
        assert list(workers.map_unordered(abs, [-1])) == [Done(0, 1)]
        (job,) = (slurm / "jobs").read_text().split()
        os.killpg(int(job), signal.SIGKILL)
        assert list(workers.map_unordered(abs, [-2])) == [Done(0, 2)]
    assert len((slurm / "jobs").read_text().split()) == 2


def test_what_slurm_says_when_it_refuses_a_job_is_told(corpus: Path, slurm: Path, tmp_path: Path) -> None:
    (slurm / "sbatch").write_text("#!/bin/sh\necho sbatch: error: invalid partition: nope >&2; exit 1\n")
    study = pimmi.open(tmp_path / "study", create=True)
    with (
        pytest.raises(
            pimmi.PimmiError, match="SLURM refused a job: sbatch: error: invalid partition: nope: change"
        ),
        study.dask("slurm") as workers,
    ):
        study.add(corpus / "images", workers=workers)


def test_a_study_from_before_these_settings_still_opens(study: pimmi.Study, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(study.path, old)
    text = (old / "study.toml").read_text(encoding="utf-8")
    (old / "study.toml").write_text(text[: text.index("# The jobs that")], encoding="utf-8")
    assert "[slurm]" not in (old / "study.toml").read_text(encoding="utf-8")
    opened = pimmi.open(old, settings=study.settings.updated({"slurm": {"jobs": 9}}))
    assert opened.settings.slurm.jobs == 9
    assert opened.links() == study.links()
