"""The keys that sign links in pages."""

from __future__ import annotations

import pytest

from engine.errors import Refused
from engine.seal import PLAIN, Seal
from hosts.linked import SETTING, link_keys


def test_the_keys_of_links_are_a_setting_or_derived() -> None:
    journal = Seal((b"j" * 32, b"o" * 32))
    derived = link_keys({}, journal)
    assert len(set(derived)) == 2
    assert not set(derived) & set(journal.keys)
    assert link_keys({SETTING: "s" * 32}, journal) == (b"s" * 32,)
    assert link_keys({}, PLAIN) == ()
    for short in ("", "short", "@Microsoft.KeyVault(SecretUri=https://v.test/s)"):
        with pytest.raises(Refused, match=SETTING):
            link_keys({SETTING: short}, journal)
