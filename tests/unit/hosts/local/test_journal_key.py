"""The key file beside a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import Refused
from engine.seal import PLAIN
from hosts import keys
from hosts.local.journal_key import KEY_FILE, exposed, known, seal

GIVEN = {keys.SETTING: "a key of the setting that is long enough"}


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    root = tmp_path / "var"
    assert known(root, {}) == PLAIN
    assert not root.exists()
    made = seal(root, {})
    assert seal(root, {}) == known(root, {}) == made != PLAIN
    assert (root / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in root.iterdir()] == [KEY_FILE]
    assert exposed(root, {}) == ""


def test_with_the_setting_no_file_counts(tmp_path: Path) -> None:
    found = seal(tmp_path, GIVEN)
    assert not list(tmp_path.iterdir())
    seal(tmp_path, {})
    assert seal(tmp_path, GIVEN) == known(tmp_path, GIVEN) == found


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o644])
def test_a_file_that_others_read_is_told(tmp_path: Path, mode: int) -> None:
    seal(tmp_path, {})
    (tmp_path / KEY_FILE).chmod(mode)
    assert f"(mode {mode:04o}); chmod 600 it" in exposed(tmp_path, {})
    assert exposed(tmp_path, GIVEN) == ""


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40, b"\n\n"])
def test_a_damaged_file_is_refused_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(Refused, match=KEY_FILE):
        seal(tmp_path, {})
    assert (tmp_path / KEY_FILE).read_bytes() == content


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(Refused, match="cannot be made"):
        seal(tmp_path / "taken", {})
