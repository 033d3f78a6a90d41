"""Versions of a document in a container: one at a time, whole, and the last valid one otherwise."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Unavailable
from hosts import runnable
from hosts.contained import documents as module
from hosts.contained.documents import Documents, Taken
from tests.unit.hosts.contained.shelf import DOCUMENT, HOLIDAYS, Shelf, later, present

SLOWER = DOCUMENT.replace("logs: {endpoint: demand}", "logs: {endpoint: demand, grace: 4h}")


def begun(shelf: Shelf) -> tuple[Documents, Taken]:
    """Take the valid version over, as a process does."""
    found = shelf.documents()
    taken = found.first(present())
    found.keep()
    assert found.look(present()) is None
    assert found.fault == ""
    return found, taken


def grace(taken: Taken | None) -> float:
    assert taken is not None
    return taken.config.fleet.models["demand"].policy.logs.grace.total_seconds() / 3600


def test_a_changed_document_is_taken_over_and_an_older_one_again(shelf: Shelf) -> None:
    found, first = begun(shelf)
    shelf.put("fleet.yaml", SLOWER)
    second = found.look(present())
    assert (grace(first), grace(second)) == (2, 4)
    assert second is not None
    assert second.version != first.version
    assert found.look(present()) is None
    shelf.put("fleet.yaml", DOCUMENT)
    third = found.look(present())
    assert third is not None
    assert (third.version, grace(third)) == (first.version, 2)


def test_a_look_at_what_has_not_changed_makes_no_folder(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = begun(shelf)
    made: list[Path] = []
    make = tempfile.mkdtemp

    def counted(**words: Any) -> str:
        folder = make(**words)
        made.append(Path(folder))
        return folder

    monkeypatch.setattr(tempfile, "mkdtemp", counted)
    for _ in range(3):
        assert found.look(present()) is None
    assert made == []
    for content in ("models: ]", DOCUMENT):
        shelf.put("fleet.yaml", content)
        assert found.look(present()) is None
    assert len(made) == 2
    assert not any(folder.exists() for folder in made)


def test_an_upload_of_the_same_content_changes_nothing(shelf: Shelf) -> None:
    found, _ = begun(shelf)
    shelf.put("fleet.yaml", DOCUMENT)
    assert found.look(present()) is None
    assert found.fault == ""


#: By what is done to the valid version: the names and contents to upload, and what is said.
FAULTS: dict[str, tuple[dict[str, str], str]] = {
    "an unknown field": (
        {"fleet.yaml": DOCUMENT.replace("champion: v1", "champoin: v1")},
        "fleet.yaml:15: models.demand.serving",
    ),
    "no YAML": ({"fleet.yaml": "version: 1\nmodels: ]\n"}, "fleet.yaml:2: not YAML"),
    "nothing": ({"fleet.yaml": ""}, "fleet.yaml:1: empty"),
    "a faulty calendar": (
        {"holidays.ics": HOLIDAYS.replace("20260101", "2026011x"), "fleet.yaml": DOCUMENT},
        "fleet.yaml:8: calendars.shop.ics: holidays.ics:5",
    ),
    "a calendar that is not there": (
        {"fleet.yaml": DOCUMENT.replace("holidays.ics", "feasts.ics")},
        "feasts.ics: cannot be read",
    ),
    "a calendar elsewhere": (
        {"fleet.yaml": DOCUMENT.replace("holidays.ics", "../test/holidays.ics")},
        "../test/holidays.ics: lies outside of the folder of fleet.yaml",
    ),
    "a calendar of the machine": (
        {"fleet.yaml": DOCUMENT.replace("holidays.ics", "/etc/hosts")},
        "/etc/hosts: lies outside of the folder of fleet.yaml",
    ),
    "another account": (
        {"fleet.yaml": DOCUMENT.replace('"azure:"', '"azure:OTHER"')},
        "fleet.yaml: store: 'azure:OTHER'",
    ),
    "one machine": (
        {"fleet.yaml": DOCUMENT.replace('"azure:"', "local:var")},
        "fleet.yaml: store: 'local:var'",
    ),
    "a receiver that Azure lacks": (
        {"fleet.yaml": DOCUMENT.replace("kind: terminal", "kind: file, path: p.jsonl")},
        "fleet.yaml:4: receivers.duty: kind file has no place in Azure",
    ),
}


@pytest.mark.parametrize(("uploads", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_version_is_told_and_the_last_valid_one_goes_on(
    shelf: Shelf, uploads: dict[str, str], fault: str
) -> None:
    found, first = begun(shelf)
    for name, content in uploads.items():
        shelf.put(name, content)
    for _ in range(2):
        assert found.look(later()) is None
        assert fault in found.fault
    # So it is with a process that starts now.
    cold = shelf.documents()
    assert cold.first(later()).version == first.version
    assert fault in cold.fault
    shelf.put("holidays.ics", HOLIDAYS)
    shelf.put("fleet.yaml", SLOWER)
    assert grace(found.look(later())) == grace(cold.look(later())) == 4
    assert found.fault == cold.fault == ""


def test_a_document_that_is_gone_is_told_until_it_is_back(shelf: Shelf) -> None:
    found, first = begun(shelf)
    shelf.container.delete_blob(shelf.place.path)
    assert found.look(present()) is None
    assert found.fault == f"{shelf.place}: not found; `driftwarden push` uploads it"
    assert shelf.documents().first(present()).version == first.version
    shelf.put("fleet.yaml", DOCUMENT)
    assert found.look(present()) is None
    assert found.fault == ""


def test_a_container_that_is_gone_is_told(shelf: Shelf) -> None:
    found, first = begun(shelf)
    shelf.container.delete_container()
    assert found.look(present()) is None
    assert "was it deleted?" in found.fault
    assert shelf.documents().first(present()).version == first.version
    shelf.container.create_container()


def test_files_that_are_newer_than_the_document_are_an_upload_and_later_a_fault(
    shelf: Shelf,
) -> None:
    found, first = begun(shelf)
    shelf.put_later("holidays.ics", HOLIDAYS.replace("0101", "0102"), "fleet.yaml")
    assert found.look(present()) is None
    assert found.fault == ""
    cold = shelf.documents()
    assert cold.first(present()).version == first.version
    for one in (found, cold):
        assert one.look(later()) is None
        assert one.fault == (
            "holidays.ics:1: is newer than fleet.yaml, which is uploaded last; "
            "`driftwarden push` uploads both"
        )
    shelf.put("fleet.yaml", DOCUMENT)
    versions = {taken.version for one in (found, cold) if (taken := one.look(later()))}
    assert len(versions) == 1
    assert first.version not in versions


def test_what_changes_while_it_is_read_is_read_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = begun(shelf)
    shelf.put("fleet.yaml", SLOWER)
    read = runnable.document

    def meanwhile(*words: object) -> object:
        shelf.put("holidays.ics", HOLIDAYS.replace("0101", "0102"))
        shelf.put("fleet.yaml", SLOWER.replace("4h", "6h"))
        return read(*words)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(module, "document", meanwhile)
        assert found.look(present()) is None
    assert found.fault == ""
    assert grace(found.look(present())) == 6


def test_a_first_document_that_is_faulty_opens_nothing(shelf: Shelf) -> None:
    shelf.put("fleet.yaml", "version: 2\n")
    with pytest.raises(Unavailable, match=r"^fleet\.yaml:1: "):
        shelf.documents().first(present())


def test_no_folder_of_a_faulty_version_stays(shelf: Shelf) -> None:
    found, _ = begun(shelf)
    before = set(shelf.folder.iterdir())
    for number in range(3):
        shelf.put("fleet.yaml", f"version: {number + 2}\n")
        found.look(present())
    assert set(shelf.folder.iterdir()) == before
