from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from engine.errors import Refused
from hosts.local.models.registry import ModelFolders, read_model
from retrain.ports import ModelCard
from retrain.registry import Stage

MODEL = """\
name: flights
version: {version}
features: [dep_hour, carrier]
entry: examples.scoring:score
training_window: {{from: 2013-01-01, to: 2013-03-29}}
"""


def write(folder: Path, version: str = "v1", more: str = "") -> Path:
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(MODEL.format(version=version) + more)
    (folder / "weights").write_bytes(version.encode())
    return folder


@pytest.fixture
def models(tmp_path: Path) -> ModelFolders:
    return ModelFolders(tmp_path / "models")


def test_a_card_tells_what_the_model_file_says(models: ModelFolders, tmp_path: Path) -> None:
    source = write(tmp_path / "out", more="metrics: {auc: 0.68}\n")
    assert models.register(source, {"run": "r1"}) == ("flights", "v1")
    assert models.card("flights", "v1") == ModelCard(
        name="flights",
        version="v1",
        features=("dep_hour", "carrier"),
        training_from="2013-01-01",
        training_to="2013-03-29",
        metrics={"auc": 0.68},
        tags={"run": "r1"},
        stage=Stage.candidate,
    )
    assert (models.folder("flights", "v1") / "weights").read_bytes() == b"v1"


def test_numbers_and_days_are_fine_as_version_names(models: ModelFolders, tmp_path: Path) -> None:
    for version in ("7", "2013-07-01"):
        models.register(write(tmp_path / version, version))
    assert models.versions("flights") == ("7", "2013-07-01")


def test_a_registered_version_never_changes(models: ModelFolders, tmp_path: Path) -> None:
    source = write(tmp_path / "out")
    models.register(source, {"run": "r1"})
    (source / "weights").write_bytes(b"other")
    models.register(source, {"run": "r2"})
    assert (models.folder("flights", "v1") / "weights").read_bytes() == b"v1"
    assert models.card("flights", "v1").tags == {"run": "r1"}


def test_tags_add_up_and_the_stage_moves(models: ModelFolders, tmp_path: Path) -> None:
    models.register(write(tmp_path / "out"), {"run": "r1"})
    models.tag("flights", "v1", {"gate": "passed"}, Stage.staging)
    models.tag("flights", "v1", {"gate": "passed"}, Stage.staging)
    card = ModelFolders(tmp_path / "models").card("flights", "v1")
    assert card.tags == {"run": "r1", "gate": "passed"}
    assert card.stage is Stage.staging


def test_an_illegal_move_is_refused_and_changes_nothing(
    models: ModelFolders, tmp_path: Path
) -> None:
    models.register(write(tmp_path / "out"))
    with pytest.raises(Refused, match="candidate -> production"):
        models.tag("flights", "v1", {"x": "y"}, Stage.production)
    assert models.card("flights", "v1").tags == {}


def test_repeating_a_tag_writes_nothing(models: ModelFolders, tmp_path: Path) -> None:
    models.register(write(tmp_path / "out"))
    models.tag("flights", "v1", {"x": "y"}, Stage.staging)
    before = (models.folder("flights", "v1") / "tags.json").stat()
    models.tag("flights", "v1", {"x": "y"}, Stage.staging)
    assert (models.folder("flights", "v1") / "tags.json").stat().st_ino == before.st_ino


def test_versions_come_oldest_first(models: ModelFolders, tmp_path: Path) -> None:
    for version in ("v9", "v10", "a"):
        models.register(write(tmp_path / version, version))
    write(tmp_path / "models" / "flights" / "by-hand", "by-hand")
    (tmp_path / "models" / "flights" / ".half" / "v3").mkdir(parents=True)
    assert models.versions("flights") == ("by-hand", "v9", "v10", "a")
    assert models.versions("unheard-of") == ()


def test_what_is_not_there_is_refused(models: ModelFolders) -> None:
    with pytest.raises(Refused, match="flights v1: not in the registry"):
        models.card("flights", "v1")
    with pytest.raises(Refused, match="flights v1: not in the registry"):
        models.tag("flights", "v1", {}, Stage.staging)


@pytest.mark.parametrize(("model", "version"), [("..", "v1"), ("flights", ".."), ("a/b", "v1")])
def test_names_cannot_leave_the_folder(models: ModelFolders, model: str, version: str) -> None:
    with pytest.raises(Refused, match="use "):
        models.card(model, version)


def test_a_folder_that_names_itself_otherwise_is_refused(
    models: ModelFolders, tmp_path: Path
) -> None:
    write(tmp_path / "models" / "flights" / "v2", "v1")
    with pytest.raises(Refused, match=r"flights/v2/model\.yaml: names itself flights v1"):
        models.card("flights", "v2")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "document: Input should be a valid dictionary"),
        ("name: [", "not YAML"),
        (MODEL.format(version="v1") + "framework: sklearn\n", "framework: Extra inputs"),
        (MODEL.format(version="'../v1'"), "version: String should match"),
        (MODEL.format(version="v1").replace("[dep_hour, carrier]", "[]"), "features: Tuple should"),
        (MODEL.format(version="v1").replace(":score", ""), "entry: String should match"),
        (MODEL.format(version="v1").replace("2013-03-29", "spring"), r"training_window\.to: "),
        ("name: flights\n", r"version: Field required \(and 3 more\)"),
    ],
)
def test_a_wrong_model_file_is_one_clear_line(tmp_path: Path, content: str, reason: str) -> None:
    folder = tmp_path / "job" / "out"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(content)
    with pytest.raises(Refused, match=rf"^job/out/model\.yaml: {reason}") as caught:
        read_model(folder)
    assert "\n" not in str(caught.value)


def test_no_model_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"model\.yaml: not found"):
        read_model(tmp_path)


def test_damaged_tags_are_refused(models: ModelFolders, tmp_path: Path) -> None:
    models.register(write(tmp_path / "out"))
    (models.folder("flights", "v1") / "tags.json").write_text('{"stage": "winning"}')
    with pytest.raises(Refused, match=r"flights/v1/tags\.json: stage"):
        models.card("flights", "v1")


def test_damaged_tags_of_one_version_hold_up_no_other(models: ModelFolders, tmp_path: Path) -> None:
    for version in ("v9", "v10"):
        models.register(write(tmp_path / version, version))
    (models.folder("flights", "v9") / "tags.json").write_text("{")
    models.register(write(tmp_path / "v11", "v11"))
    assert models.versions("flights") == ("v9", "v10", "v11")
    assert models.card("flights", "v11").stage == Stage.candidate


def _tag_many(root: Path, prefix: str) -> None:
    for number in range(25):
        ModelFolders(root).tag("flights", "v1", {f"{prefix}{number}": ""}, Stage.candidate)


@pytest.mark.usefixtures("outside")
def test_two_processes_tagging_lose_no_tag(models: ModelFolders, tmp_path: Path) -> None:
    models.register(write(tmp_path / "out"))
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_tag_many, args=(tmp_path / "models", p)) for p in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    expected = {f"{prefix}{number}" for prefix in "ab" for number in range(25)}
    assert set(models.card("flights", "v1").tags) == expected
