"""The keys that sign journals, as the setting and the key file hold them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from engine.errors import Refused
from engine.seal import Seal
from hosts.setting import REFERENCE, setting_fault

SETTING = "DRIFTWARDEN_JOURNAL_KEY"
#: The fewest characters of a key.
LEAST = 32
#: The bytes of a key that is made here: as many as the output of HMAC-SHA256 (RFC 2104, section 3).
MADE = 32


def setting(settings: Mapping[str, str], name: str = SETTING) -> Seal | None:
    """Return the keys of a setting, comma-separated, the signing one first; None without it.

    Raises
    ------
    Refused
        It is set and holds no key, one that is too short, or an unresolved reference to one.
    """
    if settings.get(name, "").startswith(REFERENCE):
        # The text of a reference is long enough for a key, and no secret.
        raise Refused(f"{setting_fault(name, settings)}; grant the app's identity access to it")
    return parse(settings[name], name) if name in settings else None


def parse(text: str, where: str) -> Seal:
    """Read keys, one a line or comma-separated; the first one signs, all of them verify.

    Raises
    ------
    Refused
        There is none, or one is shorter than 32 characters.
    """
    found = [
        word for line in text.splitlines() for part in line.split(",") if (word := part.strip())
    ]
    if not found or min(map(len, found)) < LEAST:
        told = f"a key has {LEAST} characters or more, e.g. of `openssl rand -hex 32`"
        raise Refused(f"{where}: {'a key is too short' if found else 'holds no key'}; {told}")
    return Seal(tuple(word.encode() for word in found))


def made() -> str:
    """Return a new key as a key file holds it."""
    return f"{secrets.token_hex(MADE)}\n"
