"""No work on a study leaves threads of Arrow behind: they can abort the process when it ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import pimmi
from pimmi.workers.one_thread import ONE_THREAD

WORK = """
    import sys
    from pathlib import Path

    import pyarrow.compute
    import pyarrow.parquet

    import pimmi
    from pimmi.cli.report import evaluation_of
    from pimmi.outputs.export import write_table

    study, other, truth, folder = map(Path, sys.argv[1:])
    threads = Path("/proc/self/task")
    before = sum(1 for _ in threads.iterdir())
    opened = pimmi.open(study)
    opened.status()
    opened.summary()
    evaluation_of(truth, opened, copies_only=True)
    for number, make in enumerate(
        (opened.links, opened.cluster_table, opened.elements, opened.memberships, opened.images, opened.decisions)
    ):
        for ending in ("csv", "parquet", "json"):
            write_table(make(), folder / f"{number}.{ending}")
    merged = pimmi.open(other, create=True, settings=opened.settings)
    assert merged.merge(study).files > 0
    assert merged.remove(opened.images().column("path")[0].as_py()) == 1
    merged.compact()
    print(sum(1 for _ in threads.iterdir()) - before)
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted as Linux shows them")
def test_work_on_a_study_starts_no_threads(corpus: Path, study: pimmi.Study, tmp_path: Path) -> None:
    copy = shutil.copytree(study.path, tmp_path / "copy")
    command: list[str | Path] = [sys.executable, "-c", textwrap.dedent(WORK)]
    command += [copy, tmp_path / "other", corpus / "truth.csv", tmp_path]
    done = subprocess.run(command, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
