"""The keys of journals: what the setting and the key file may hold."""

from __future__ import annotations

import pytest

from engine.errors import Refused
from engine.seal import Seal
from hosts import keys

ONE, TWO = "1" * 32, "another key; of any characters: ü"

GIVEN = [
    (ONE, [ONE]),
    (f"{ONE},{TWO}", [ONE, TWO]),
    (f" {TWO} \n\n{ONE}\n", [TWO, ONE]),
    (f"{ONE},", [ONE]),
    ("ключ" * 8, ["ключ" * 8]),
]


@pytest.mark.parametrize(("text", "words"), GIVEN)
def test_keys_are_read_in_order(text: str, words: list[str]) -> None:
    assert keys.parse(text, "x") == Seal(tuple(word.encode() for word in words))


@pytest.mark.parametrize("text", ["", " ", ",", "\n", "short", f"{ONE},short", "1" * 31])
def test_what_is_no_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(Refused, match=r"journal\.key: .*openssl rand -hex 32") as refused:
        keys.parse(text, "journal.key")
    assert ONE not in str(refused.value)


def test_an_empty_setting_is_refused_and_an_absent_one_is_none() -> None:
    assert keys.setting({}) is None
    assert keys.setting({keys.SETTING: ONE}) == Seal((ONE.encode(),))
    with pytest.raises(Refused, match=f"{keys.SETTING}: holds no key"):
        keys.setting({keys.SETTING: ""})


def test_a_made_key_is_a_new_one_each_time() -> None:
    made = {keys.made() for _ in range(5)}
    assert len(made) == 5
    assert all(len(keys.parse(text, "x").keys) == 1 for text in made)
