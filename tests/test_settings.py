"""Settings: what is accepted, what is refused and how it is said, and files that read back."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pimmi.errors import SettingsError
from pimmi.index.cells import shapes
from pimmi.index.codebook import load_codebook
from pimmi.parameters import parameters
from pimmi.settings import LINK_SECTIONS, PRESETS, SECTIONS, SHARD_SECTIONS, Settings

MOST_PROBES = 9
"""With the large codebook."""
EVERY_PARAMETER = [
    pytest.param(name, parameter, id=f"{name}.{parameter.name}")
    for name, kind in SECTIONS.items()
    for parameter in parameters(kind)
]


def values_for(parameter: Any) -> st.SearchStrategy[Any]:
    about = parameter.metadata
    if about["choices"] is not None:
        return st.sampled_from(about["choices"])
    if isinstance(parameter.default, str):
        return st.text(st.characters(codec="utf-8"))
    if isinstance(parameter.default, int):
        return st.integers(about["minimum"], about["maximum"])
    return st.floats(about["minimum"], about["maximum"], allow_nan=False, allow_infinity=False)


def with_few_probes(values: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The values with no more probes than the codebook has cells for."""
    matching = values["matching"]
    if matching.get("codebook") == "large":
        matching = matching | {"probes": min(matching.get("probes", MOST_PROBES), MOST_PROBES)}
    return values | {"matching": matching}


any_settings = st.fixed_dictionaries(
    {
        name: st.fixed_dictionaries({}, optional={p.name: values_for(p) for p in parameters(kind)})
        for name, kind in SECTIONS.items()
    }
).map(lambda values: Settings.from_dict(with_few_probes(values)))


@given(any_settings)
def test_a_written_file_reads_back(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> None:
    path = tmp_path_factory.getbasetemp() / "settings.toml"
    path.write_text(settings.to_toml(), encoding="utf-8")
    assert Settings.load(path, preset="thorough") == settings


def test_the_probes_of_a_codebook_are_as_many_as_it_has_cells_for() -> None:
    for name, most in {"small": 16, "large": MOST_PROBES}.items():
        depth = load_codebook(name).depth
        assert depth * depth == most
        chosen = Settings().updated({"matching": {"codebook": name, "probes": most}})
        assert len(shapes(chosen.matching.probes, depth)) == 1


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_the_more_images_the_surer_a_link_must_be(images: int, more: int) -> None:
    matching = Settings().matching
    few, many = matching.confidence_among(images), matching.confidence_among(images + more)
    assert 0.5 == matching.confidence_among(1) <= few <= many < 1
    assert many / (1 - many) == pytest.approx(max(1, (images + more) / 12_500))
    given_one = Settings.from_dict({"matching": {"minimum_confidence": 0.3}}).matching
    assert given_one.confidence_among(images) == 0.3


@given(any_settings)
def test_a_dictionary_reads_back(settings: Settings) -> None:
    assert Settings.from_dict(settings.to_dict()) == settings


@pytest.mark.parametrize(("section", "parameter"), EVERY_PARAMETER)
def test_the_file_explains_each_parameter_just_above_it(section: str, parameter: Any) -> None:
    paragraphs = Settings().to_toml().split("\n\n")
    [paragraph] = [text for text in paragraphs if f"\n{parameter.name} = " in text]
    comments = " ".join(line[2:] for line in paragraph.splitlines() if line.startswith("# "))
    assert parameter.metadata["why"] in comments
    assert parameter.metadata["unit"] in comments
    assert tomllib.loads(paragraph.rstrip().rsplit("\n", 1)[1]) == {
        parameter.name: Settings().to_dict()[section][parameter.name]
    }


@pytest.mark.parametrize(("section", "parameter"), EVERY_PARAMETER)
def test_bounds_are_allowed_and_what_lies_beyond_is_refused(section: str, parameter: Any) -> None:
    for bound, step, says in (("minimum", -1, "at least"), ("maximum", 1, "at most")):
        limit = parameter.metadata[bound]
        if limit is None:
            continue
        Settings().updated({section: {parameter.name: limit}})
        with pytest.raises(SettingsError, match=rf"{section}\.{parameter.name} .*{says}"):
            Settings().updated({section: {parameter.name: limit + step}})


@pytest.mark.parametrize("name", PRESETS)
def test_presets_order_by_keypoints(name: str) -> None:
    assert Settings.preset("fast").features.keypoints <= Settings.preset(name).features.keypoints
    assert Settings.preset(name).features.keypoints <= Settings.preset("thorough").features.keypoints


def test_balanced_is_the_default() -> None:
    assert Settings.preset("balanced") == Settings()


def test_a_file_changes_only_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[features]\nkeypoints = 123\n")
    loaded = Settings.load(path, preset="thorough")
    assert loaded == Settings.preset("thorough").updated({"features": {"keypoints": 123}})
    assert loaded != Settings.load(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[matching]\nprobe = 3\n", "mine.toml: matching.probe does not exist: did you mean probes?"),
        ("[matching]\nkeypoints = 3\n", "keypoints belongs under [features]"),
        ("[matching]\nzzz = 3\n", "matching.zzz does not exist: known are codebook, probes, "),
        ("[matching]\ncodebook = 'huge'\n", "matching.codebook must be one of small, large, not 'huge'"),
        ("[matching]\ncodebook = 'large'\n", "matching.probes is 10: the large codebook takes at most 9"),
        ("[matchin]\nprobes = 3\n", "there is no section [matchin]: did you mean matching?"),
        ("probes = 3\n", "probes is not a section: write it under [matching]"),
        ("matching = 3\n", "matching must be a section"),
        ("[matching]\nprobes = 0\n", "matching.probes is 0: it must be at least 1"),
        ("[matching]\nprobes = 2.5\n", "matching.probes must be a whole number, not 2.5"),
        ("[matching]\nprobes = true\n", "matching.probes must be a whole number, not True"),
        ("[grouping]\nresolution = '1'\n", "grouping.resolution must be a number, not '1'"),
        ("[grouping]\nresolution = nan\n", "grouping.resolution must be a number, not nan"),
        ("[grouping]\nalgorithm = 'x'\n", "grouping.algorithm must be one of components, louvain, leiden"),
        ("[grouping\n", "mine.toml is not a valid TOML file: "),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        Settings.load(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml can't be read: No such file"):
        Settings.load(tmp_path / "nowhere.toml")


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="no preset 'thorogh': did you mean thorough"):
        Settings.preset("thorogh")


def test_a_whole_number_stands_for_a_number() -> None:
    settings = Settings().updated({"grouping": {"resolution": 1}})
    assert type(settings.grouping.resolution) is float


@pytest.mark.parametrize(
    "change",
    [
        lambda settings: setattr(settings, "images", None),
        lambda settings: setattr(settings.images, "working_size", 300),
    ],
)
def test_settings_do_not_change(change: Callable[[Settings], None]) -> None:
    with pytest.raises(FrozenInstanceError):
        change(Settings())


def test_what_shards_and_links_depend_on() -> None:
    ours = Settings()
    theirs = ours.updated(
        {"features": {"keypoints": 77}, "matching": {"probes": 5}, "grouping": {"algorithm": "louvain"}}
    )
    keypoints = f"features.keypoints ({ours.features.keypoints}, 77)"
    probes = f"matching.probes ({ours.matching.probes}, 5)"
    assert ours.differences(theirs, sections=SHARD_SECTIONS) == [keypoints]
    assert ours.differences(theirs, sections=LINK_SECTIONS) == [keypoints, probes]
    assert ours.values_of(SHARD_SECTIONS).keys() == {"images", "features"}
    assert theirs.values_of(LINK_SECTIONS)["matching"]["probes"] == 5
