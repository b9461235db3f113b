"""The command line, as a user runs it: help, settings, and what is said of a mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pimmi.outputs.tables import TABLES
from pimmi.settings import PRESETS, Settings

COMMANDS = (
    *("run", "add", "match", "group", "status", "search", "ui", "export"),
    *("remove", "compact", "merge", "settings", "eval", "demo"),
)
HEAVY = ("numpy", "cv2", "numba", "pyarrow", "scipy", "matplotlib", "PIL")


def pimmi(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pimmi", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | {"COLUMNS": "200"} | environment,
    )


def words_of(text: str) -> str:
    """The text without the frames and line breaks of a help page."""
    return " ".join(text.replace("│", " ").split())


@pytest.fixture(scope="module")
def help_of() -> dict[str, str]:
    return {command: pimmi(command, "--help").stdout for command in COMMANDS}


def test_help_lists_every_command() -> None:
    done = pimmi("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    listed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("│ ")]
    assert tuple(word for word in listed if not word.startswith("-")) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_has_an_example(help_of: dict[str, str], command: str) -> None:
    _, examples = help_of[command].split("For example:")
    assert examples.strip().startswith(f"pimmi {command}")


@pytest.mark.parametrize("table", TABLES)
def test_the_help_of_export_explains_every_column(help_of: dict[str, str], table: str) -> None:
    explained = words_of(help_of["export"])
    for column, meaning in TABLES[table].columns.items():
        assert f"{column} {meaning}" in explained


def test_version() -> None:
    done = pimmi("--version")
    assert done.returncode == 0
    assert done.stdout.split()[0] == "pimmi"
    assert done.stdout.split()[1][0].isdigit()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["settings"]])
def test_no_heavy_module_is_loaded_to_show_text(arguments: list[str]) -> None:
    code = (
        "import sys; from pimmi.cli import main; "
        f"status = main({arguments}); print('loaded', *({set(HEAVY)} & set(sys.modules))); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded"


@pytest.mark.parametrize("preset", PRESETS)
def test_settings_are_printed_and_read_back(tmp_path: Path, preset: str) -> None:
    path = tmp_path / "my.toml"
    assert pimmi("settings", "--preset", preset, "-o", path).returncode == 0
    assert Settings.load(path) == Settings.preset(preset)
    assert path.read_text(encoding="utf-8") == pimmi("settings", "--preset", preset).stdout.removesuffix("\n")


def test_settings_do_not_overwrite_a_file(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("mine")
    done = pimmi("settings", "-o", path)
    assert done.returncode == 2
    assert done.stderr == f"pimmi: {path} exists: give another name, or remove it first\n"
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rnu"], 'Unknown command "rnu". Did you mean "run"?'),
        (["run"], "IMAGES requires an argument"),
        (["run", "images"], "STUDY requires an argument"),
        (["run", "images", "study", "more"], "more"),
        (["run", "nowhere", "study"], "nowhere is not a folder"),
        (["run", ".", "study", "--preset", "slow"], '"fast", "balanced", "thorough"'),
        (["run", ".", "study", "--presets", "fast"], "Did you mean --preset?"),
        (["run", ".", "study", "--workers", "0"], "Must be >= 1"),
        (["run", ".", "study", "--workers", "two"], 'unable to convert "two" into int'),
        (["run", ".", "study", "--settings", "nowhere.toml"], "nowhere.toml can't be read"),
        (["run", ".", "study", "--settings", "bad.toml"], "bad.toml: matching.probe does not exist"),
        (["group", "study", "--resolution", "1.5"], "Must be <= 1"),
        (["group", "study", "--algorithm", "kmeans"], '"components", "louvain", "leiden"'),
        (["search", "study"], "IMAGES requires an argument"),
        (["export", "tables", "study", "-o", "t.csv"], '"links", "clusters", "elements", "memberships", '),
        (["ui"], "STUDY requires an argument"),
        (["ui", "nowhere"], "nowhere does not exist"),
        (["ui", "study", "--port", "70000"], "Must be <= 65535"),
        (["export", "links", "study"], "--output requires an argument"),
        (["settings", "-o", "nowhere/my.toml"], "nowhere/my.toml can't be written"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text("[matching]\nprobe = 3\n")
    done = pimmi(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("pimmi: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.toml"]


@pytest.mark.parametrize(("arguments", "environment"), [(["--debug"], {}), ([], {"PIMMI_DEBUG": "1"})])
def test_debug_shows_where_an_error_arose(
    tmp_path: Path, arguments: list[str], environment: dict[str, str]
) -> None:
    done = pimmi("run", tmp_path / "nowhere", tmp_path / "study", *arguments, **environment)
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("pimmi: ")


@pytest.mark.skipif(os.name == "nt", reason="pipes break in another way on Windows")
def test_nothing_is_said_when_the_reader_has_gone() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pimmi", "settings"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait() == 141


def test_a_terminal_without_unicode_gets_the_help() -> None:
    done = pimmi("export", "--help", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert r"\u2212log10" in done.stdout
