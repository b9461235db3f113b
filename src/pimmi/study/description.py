"""study.toml: what made a study."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pimmi.errors import SettingsError, StudyError
from pimmi.settings import Settings
from pimmi.study.layout import StudyFolder
from pimmi.study.writing import written_whole

FORMAT = 5


@dataclass(frozen=True, kw_only=True)
class Description:
    """The settings and the codebook that made a study."""

    settings: Settings
    codebook_version: int
    codebook_hash: str

    def write(self, folder: StudyFolder) -> None:
        """Write study.toml."""
        text = (
            f"# A study of pimmi. Don't change this file.\nformat = {FORMAT}\n\n[codebook]\n"
            f'version = {self.codebook_version}\nhash = "{self.codebook_hash}"\n\n{self.settings.to_toml()}'
        )
        with written_whole(folder.description) as path:
            path.write_text(text, encoding="utf-8")


def is_study(root: Path) -> bool:
    """Whether a folder holds a study, complete or not."""
    return StudyFolder(root).description.is_file()


def read_description(folder: StudyFolder) -> Description:
    """Read study.toml; raises StudyError if there is no study, or one that this pimmi can't read."""
    root = folder.root
    if not root.exists():
        raise StudyError(f"{root} does not exist: pimmi run IMAGES {root} makes a study there")
    if not is_study(root):
        raise StudyError(f"{root} is not a study: it has no study.toml; pimmi run makes one in a new folder")
    try:
        values = tomllib.loads(folder.description.read_text(encoding="utf-8"))
        found = values.pop("format")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
        raise _damaged(folder, error) from error
    if found != FORMAT:
        raise StudyError(
            f"{root} is a study of format {found}, and this pimmi knows format {FORMAT}: "
            "install the pimmi that made it, or make a new study"
        )
    try:
        codebook: dict[str, Any] = values.pop("codebook")
        return Description(
            settings=Settings.from_dict(values),
            codebook_version=codebook["version"],
            codebook_hash=codebook["hash"],
        )
    except (KeyError, TypeError, SettingsError) as error:
        raise _damaged(folder, error) from error


def check_settings(folder: StudyFolder, *, made_with: Settings, given: Settings) -> None:
    """Raise StudyError if what the study holds would have come out otherwise with the given settings."""
    if differing := made_with.differences(given):
        raise StudyError(
            f"{folder.root} was made with other settings, {', '.join(differing)}: "
            "leave the settings out, or make a new study"
        )


def _damaged(folder: StudyFolder, error: Exception) -> StudyError:
    return StudyError(
        f"{folder.description} is damaged ({error}): remove {folder.root} and make the study again"
    )
