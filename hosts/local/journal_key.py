"""The key file beside a store on one machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from engine.errors import Refused
from engine.seal import PLAIN, Seal
from hosts import keys, private
from hosts.local import leftovers

KEY_FILE = "journal.key"
OTHERS = 0o077


def seal(root: Path, settings: Mapping[str, str]) -> Seal:
    """Return the keys of a store: those of the setting, else of its key file, made where missing.

    Raises
    ------
    Refused
        The setting or the file holds no key, or the file cannot be made.
    """
    try:
        if keys.SETTING not in settings and not (root / KEY_FILE).exists():
            _make(root / KEY_FILE)
    except OSError as error:
        raise Refused(f"{root / KEY_FILE}: cannot be made: {error.strerror}") from error
    return known(root, settings)


def known(root: Path, settings: Mapping[str, str]) -> Seal:
    """Return the keys of a store without making any; none where there are none."""
    given, file = keys.setting(settings), root / KEY_FILE
    if given is not None:
        return given
    try:
        return keys.parse(file.read_text(), str(file))
    except FileNotFoundError:
        return PLAIN
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file}: cannot be read as a key file: {error}") from error


def exposed(root: Path, settings: Mapping[str, str]) -> str:
    """Return why others could sign, too; empty where they cannot."""
    file = root / KEY_FILE
    if keys.SETTING in settings or not file.exists() or not file.stat().st_mode & OTHERS:
        return ""
    mode = file.stat().st_mode & 0o777
    return f"{file}: others on this machine can sign records (mode {mode:04o}); chmod 600 it"


def _make(path: Path) -> None:
    """Write a new key, complete or not at all; a key that another process made first stays."""
    private.make_folder(path.parent)
    descriptor, temporary = tempfile.mkstemp(leftovers.SUFFIX, leftovers.prefix(), path.parent)
    try:
        with open(descriptor, "w") as stream:
            stream.write(keys.made())
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
