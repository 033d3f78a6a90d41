"""A document is uploaded whole, after its files, and over nobody else's change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli import main
from engine.errors import Refused
from hosts.azure.host import STORAGE
from hosts.azure.storage import connection
from hosts.contained.container import Beside, Listed
from hosts.contained.place import SETTING, Place
from hosts.contained.push import push
from hosts.runnable import Found, document
from tests.unit.hosts.contained.shelf import DOCUMENT, HOLIDAYS, Shelf, present

ROWS = "day,time,label,x\n" + "".join(
    f"2026-01-{day:02},2026-01-{day:02}T00:00:00Z,{day % 2},{day}\n" for day in range(1, 29)
)
ALL = ["holidays.ics", "rows.csv", "fleet.yaml"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A valid document on the operator's machine, with another calendar than the uploaded one."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "holidays.ics").write_text(HOLIDAYS.replace("0101", "0106"))
    (folder / "rows.csv").write_text(ROWS)
    text = DOCUMENT.replace("reference.parquet", "rows.csv").replace("v1}", "v1}\n    drift: DRIFT")
    (folder / "fleet.yaml").write_text(text.replace("DRIFT", "{min_rows: 20}"))
    return folder / "fleet.yaml"


def found(file: Path) -> Found:
    return document(file, datetime.now(UTC))


def pushed(shelf: Shelf, file: Path) -> list[str]:
    return push(shelf.account.blobs(), shelf.place, file, found(file))


def test_what_was_pushed_is_taken_over_as_one_version(shelf: Shelf, file: Path) -> None:
    followed = shelf.documents()
    followed.first(present())
    assert pushed(shelf, file) == ALL
    taken = followed.look(present())
    assert taken is not None
    assert followed.fault == ""
    assert (taken.file.parent / "holidays.ics").read_text() == HOLIDAYS.replace("0101", "0106")
    assert pushed(shelf, file) == []


def test_a_changed_file_brings_its_document_again(shelf: Shelf, file: Path) -> None:
    pushed(shelf, file)
    (file.parent / "holidays.ics").write_text(HOLIDAYS)
    assert pushed(shelf, file) == ["holidays.ics", "fleet.yaml"]


def test_the_container_is_made_by_the_first_push(shelf: Shelf, file: Path) -> None:
    place = Place(f"{shelf.place.container}-new", "fleet.yaml")
    assert push(shelf.account.blobs(), place, file, found(file)) == ALL
    shelf.account.blobs().get_container_client(place.container).delete_container()


@pytest.mark.parametrize("name", ["fleet.yaml", "holidays.ics", "rows.csv"])
def test_what_somebody_else_uploads_meanwhile_is_not_overwritten(
    shelf: Shelf, file: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Beside.listed

    def meanwhile(beside: Beside) -> dict[str, Listed]:
        seen = listed(beside)
        shelf.put(name, "theirs")
        return seen

    monkeypatch.setattr(Beside, "listed", meanwhile)
    with pytest.raises(Refused, match=f"{name}: somebody else uploaded it meanwhile"):
        pushed(shelf, file)
    blob = shelf.container.get_blob_client(shelf.place.blob(name))
    assert blob.download_blob().readall() == b"theirs"


@pytest.mark.parametrize("outside", ["../holidays.ics", "/etc/hosts", "a/../../holidays.ics"])
def test_a_file_outside_of_the_folder_is_refused(shelf: Shelf, file: Path, outside: str) -> None:
    (file.parent / "a").mkdir()
    (file.parent.parent / "holidays.ics").write_text(HOLIDAYS)
    read = found(file)
    with pytest.raises(Refused, match=r"lies outside of the folder of fleet\.yaml"):
        push(
            shelf.account.blobs(),
            shelf.place,
            file,
            Found(read.config, (), (), (*read.files, outside)),
        )


def test_the_command_validates_and_uploads(
    shelf: Shelf,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(SETTING, str(shelf.place))
    monkeypatch.setenv(STORAGE, shelf.account.secret)
    assert main(["push", str(file)]) == 0
    assert f"uploaded {', '.join(ALL)}" in capsys.readouterr().out
    assert main(["push", str(file)]) == 0
    assert "unchanged: nothing was uploaded" in capsys.readouterr().out
    text = file.read_text()
    file.write_text(text.replace("champion", "champoin"))
    assert main(["push", str(file)]) == 2
    assert capsys.readouterr().err.startswith("fleet.yaml:")
    assert shelf.container.download_blob(shelf.place.path).readall().decode() == text
    file.write_text(text)
    monkeypatch.setenv(SETTING, "azure:config")
    assert main(["push", str(file)]) == 2
    monkeypatch.setenv(SETTING, str(shelf.place))
    monkeypatch.setattr(connection, "RETRIES", 0)
    monkeypatch.setenv(STORAGE, shelf.account.secret.replace("127.0.0.1", "127.0.0.2"))
    assert main(["push", str(file)]) == 1
