"""Measure a whole run of pimmi on a corpus with known copies: what it finds, and what it costs.

    python benchmarks/run.py CORPUS --workers 2 --json RESULT.json

CORPUS is a folder made by make_corpus.py. The time is compared with the floor (floor.py), measured before and
after the run with the same preset and number of workers.
"""

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from floor import Floor
from pimmi.errors import PimmiError
from pimmi.evaluation import Evaluation, Truth, evaluate, read_truth
from process_cost import CommandFailedError, Cost, measure

PIMMI = str(Path(sys.executable).with_name("pimmi"))


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run: its quality, its cost, and the floors before and after it."""

    corpus: str
    images: int
    distractors: int
    preset: str
    workers: int
    machine: str
    evaluation: Evaluation
    copies: Evaluation
    cost: Cost
    floors: tuple[Floor, Floor]

    @property
    def distractor_links_per_1000(self) -> float:
        """Links between two distractors, for 1000 distractors."""
        return 1000 * self.evaluation.number_of_distractor_links / max(1, self.distractors)

    @property
    def wall_ratio(self) -> float:
        """Clock time as a multiple of the floor's."""
        return self.cost.wall_s / (sum(floor.wall_s for floor in self.floors) / 2)

    @property
    def cpu_ratio(self) -> float:
        """Processor time as a multiple of the floor's."""
        return self.cost.cpu_s / self._floor_cpu_s

    @property
    def cpu_ms_above_floor(self) -> float:
        """Milliseconds of processor an image, the floor's left out."""
        return 1000 * (self.cost.cpu_s - self._floor_cpu_s) / self.images

    @property
    def _floor_cpu_s(self) -> float:
        return sum(floor.cpu_s for floor in self.floors) / 2

    def summary(self) -> dict[str, float]:
        """The figures to compare runs by."""
        found = self.evaluation
        return {
            "mean recall": found.mean_recall,
            "mean recall of links of type copy": self.copies.mean_recall,
            "edge precision": found.edge_precision,
            "edge precision of links of type copy": self.copies.edge_precision,
            "distractor links per 1000": self.distractor_links_per_1000,
            "distractors clustered": found.distractors_clustered,
            "B-cubed precision": found.bcubed_precision,
            "B-cubed recall": found.bcubed_recall,
            "B-cubed F1": found.bcubed_f1,
            "cluster precision": found.cluster_precision,
            "cluster recall": found.cluster_recall,
            "cluster F1": found.cluster_f1,
            "wall, s": self.cost.wall_s,
            "wall, multiple of the floor": self.wall_ratio,
            "CPU, s": self.cost.cpu_s,
            "CPU, multiple of the floor": self.cpu_ratio,
            "CPU above the floor, ms an image": self.cpu_ms_above_floor,
            "peak memory, MB": self.cost.peak_memory_mb,
        }

    def table(self) -> str:
        """All figures, one a line."""
        floors = ", ".join(f"{floor.wall_s:.2f} s wall {floor.cpu_s:.2f} s CPU" for floor in self.floors)
        lines = [
            f"{self.corpus}: {self.images} images, preset {self.preset}, {self.workers} workers",
            self.machine,
            "",
            "recall by family of change",
            *(f"  {family:34s}{recall:9.3f}" for family, recall in self.evaluation.recall.items()),
            "",
            f"{'links':36s}{self.evaluation.edges:9d}",
            *(f"{name:36s}{value:9.3f}" for name, value in self.summary().items()),
            f"floors before and after: {floors}",
        ]
        return "\n".join(lines)


def measure_floor(images: Path, *, workers: int, preset: str) -> Floor:
    """Run floor.py in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("floor.py")), str(images), "--json"]
    command += ["--workers", str(workers), "--preset", preset]
    return Floor(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def export(study: Path, *, table: str, output: Path) -> list[dict[str, str]]:
    """The rows of a table of the study, by way of `pimmi export`."""
    subprocess.run([PIMMI, "export", table, str(study), "--output", str(output)], check=True)
    with output.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def score(study: Path, *, truth: Truth, scratch: Path) -> tuple[Evaluation, Evaluation]:
    """Compare the links and clusters of a study with the truth: all links, and those of type copy."""
    links = export(study, table="links", output=scratch / "links.csv")
    clusters = export(study, table="clusters", output=scratch / "clusters.csv")
    owners = {row["path"]: row["cluster_id"] for row in clusters}
    every = [(row["query_path"], row["result_path"]) for row in links]
    copies = [pair for pair, row in zip(every, links, strict=True) if row["type"] == "copy"]
    return evaluate(truth, every, owners), evaluate(truth, copies, owners)


def run(corpus: Path, *, study: Path, workers: int, preset: str) -> Result:
    """Floor, run, floor, score."""
    truth = read_truth(corpus / "truth.csv")
    images = corpus / "images"
    before = measure_floor(images, workers=workers, preset=preset)
    cost = measure([PIMMI, "run", str(images), str(study), "--workers", str(workers), "--preset", preset])
    after = measure_floor(images, workers=workers, preset=preset)
    with tempfile.TemporaryDirectory() as scratch:
        evaluation, copies = score(study, truth=truth, scratch=Path(scratch))
    return Result(
        corpus=corpus.name,
        images=len(truth),
        distractors=sum(image.kind == "distractor" for image in truth.values()),
        preset=preset,
        workers=workers,
        machine=f"{platform.machine()} with {os.cpu_count()} cores, Python {platform.python_version()}",
        evaluation=evaluation,
        copies=copies,
        cost=cost,
        floors=(before, after),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What pimmi finds of known copies, and its cost.")
    parser.add_argument("corpus", type=Path, help="folder made by make_corpus.py")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--study", type=Path, help="where to keep the study; by default it is thrown away")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        study = arguments.study or Path(scratch) / "study"
        try:
            result = run(arguments.corpus, study=study, workers=arguments.workers, preset=arguments.preset)
        except (PimmiError, CommandFailedError) as error:
            sys.exit(str(error))
    print(result.table())
    if arguments.json:
        figures = {**asdict(result), "summary": result.summary()}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
