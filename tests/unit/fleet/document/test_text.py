"""fleet.yaml as text: lines, doubled keys, what is not YAML, and layers."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.document.text import Problem, merged, parse, parse_all, spelled

TEXT = """\
version: 1
teams:
  oncall:
    page: [terminal,
           pager]
models:
  a: {team: oncall}
"""


def test_every_path_knows_its_line() -> None:
    text, problems = parse(TEXT, "fleet.yaml")
    assert problems == []
    assert text.value == {
        "version": 1,
        "teams": {"oncall": {"page": ["terminal", "pager"]}},
        "models": {"a": {"team": "oncall"}},
    }
    assert text.line(("version",)) == 1
    assert text.line(("teams", "oncall")) == 3
    assert text.line(("teams", "oncall", "page", 1)) == 5
    assert text.line(("models", "a", "team")) == 7


def test_decimals_keep_their_text() -> None:
    text, problems = parse("a: 0.999\nb: [1, 1.0e-3, 0.99999999999999999999]\nc: x\n", "f.yaml")
    assert problems == []
    places: tuple[tuple[str | int, ...], ...] = (("a",), ("b", 0), ("b", 1), ("b", 2), ("c",))
    assert [text.numeral(path) for path in places] == [
        "0.999",
        None,
        "1.0e-3",
        "0.99999999999999999999",
        None,
    ]


def test_what_does_not_stand_there_has_the_line_of_what_is_around_it() -> None:
    text, _ = parse(TEXT, "fleet.yaml")
    assert text.line(("models", "a", "logs", "endpoint")) == 7
    assert text.line(("receivers",)) == 1


def test_a_problem_spells_file_line_path_and_message() -> None:
    text, _ = parse(TEXT, "x/fleet.yaml")
    problem = text.problem(("teams", "oncall", "page", 1), "no such receiver")
    assert problem == Problem("x/fleet.yaml", 5, ("teams", "oncall", "page", 1), "no such receiver")
    assert str(problem) == "x/fleet.yaml:5: teams.oncall.page.1: no such receiver"
    assert str(text.problem((), "empty")) == "x/fleet.yaml:1: empty"


def test_a_key_that_stands_twice_is_told_with_both_lines() -> None:
    _, problems = parse("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\n", "f.yaml")
    assert [str(problem) for problem in problems] == [
        "f.yaml:5: b.c: duplicate key; first on line 3",
        "f.yaml:6: a: duplicate key; first on line 1",
    ]


def test_what_is_not_yaml_is_told_with_its_line() -> None:
    text, problems = parse("version: 1\nteams: [a\nmodels: {}\n", "f.yaml")
    assert text.value is None
    assert len(problems) == 1
    assert str(problems[0]).startswith("f.yaml:3: not YAML: ")
    assert "\n" not in str(problems[0])


def test_a_forbidden_character_is_told_in_one_line() -> None:
    _, problems = parse("version: 1\nteams: \x00\n", "f.yaml")
    assert len(problems) == 1
    assert str(problems[0]).startswith("f.yaml:")
    assert "\n" not in str(problems[0])


def test_an_unknown_tag_is_a_problem_not_a_traceback() -> None:
    _, problems = parse("version: 1\nstore: !!python/object:os.system x\n", "f.yaml")
    assert len(problems) == 1
    assert str(problems[0]).startswith("f.yaml:2: store: not YAML: could not determine a cons")


def test_keys_are_text_whatever_they_look_like() -> None:
    text, _ = parse("1: a\nyes: b\n2020-01-01: c\n", "f.yaml")
    assert text.value == {"1": "a", "yes": "b", "2020-01-01": "c"}


def test_a_key_that_is_a_list_is_a_problem_with_its_line() -> None:
    _, problems = parse("a: 1\nb:\n  ? [a, b]\n  : 1\n", "f.yaml")
    assert [str(problem) for problem in problems] == [
        "f.yaml:3: b: a key must be text, not a list or mapping"
    ]


def test_a_day_that_never_was_is_a_problem_with_its_line() -> None:
    _, problems = parse("a: 1\nb: 2013-02-31\n", "f.yaml")
    assert [str(problem) for problem in problems] == [
        "f.yaml:2: b: not YAML: day is out of range for month"
    ]


def test_what_holds_itself_is_a_problem_not_a_crash() -> None:
    _, problems = parse("a: &x {b: *x}\n", "f.yaml")
    assert [str(problem) for problem in problems] == [
        "f.yaml:1: not YAML: nested too deeply, or recursive"
    ]


def test_anchors_are_followed() -> None:
    text, problems = parse("a: &x {b: 1}\nc: *x\n", "f.yaml")
    assert problems == []
    assert text.value == {"a": {"b": 1}, "c": {"b": 1}}


def test_an_empty_text_has_no_value() -> None:
    assert parse("", "f.yaml")[0].value is None
    assert parse("# nothing\n", "f.yaml")[0].value is None


def test_layers_merge_by_mapping_and_replace_lists_whole() -> None:
    under = {"a": {"x": 1, "y": [1, 2]}, "b": 1}
    over = {"a": {"y": [3], "z": {"k": 1}}, "c": 2}
    assert merged(under, over) == {"a": {"x": 1, "y": [3], "z": {"k": 1}}, "b": 1, "c": 2}
    assert merged(under, None) is None
    assert merged([1], {"a": 1}) == {"a": 1}


Leaf = st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
Tree = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(Leaf, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_size=3,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50)
@given(Tree, Tree)
def test_laying_the_same_over_again_changes_nothing(under: object, over: object) -> None:
    once = merged(under, over)
    assert merged(once, over) == once
    assert merged(under, once) == once
    assert merged(under, {}) == under
    assert merged({}, over) == over


NAMES = [
    "😀status", "größe", "a b", 'say "x"', "it's", "a: b", "#x", "- y", "yes", "1", "", "a\\b",
    "line\nbreak", "tab\t", "\x85", "\u2028", "\ufeff", "\x7f", "👩\u200d🔧", "{a}", "a, b]",
    "\x00",
]  # fmt: skip


def test_every_name_is_read_back_as_it_was_spelled() -> None:
    for name in NAMES:
        text = f"{spelled(name)}: 1\nkeys: {{{spelled(name)}: [{spelled(name)}]}}\n"
        found, problems = parse(text, "fleet.yaml")
        assert problems == [], name
        assert found.value == {name: 1, "keys": {name: [name]}}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read_back_as_it_was_spelled(name: str) -> None:
    found, problems = parse(f"a: {{{spelled(name)}: {spelled(name)}}}", "fleet.yaml")
    assert (found.value, problems) == ({"a": {name: name}}, [])


def test_what_a_reader_knows_is_spelled_as_it_is() -> None:
    assert spelled("😀status: ü") == '"😀status: ü"'
    assert spelled("data/a-b_c.csv") == "data/a-b_c.csv"


def test_a_surrogate_pair_is_one_character_and_half_of_one_is_a_problem() -> None:
    text, problems = parse('a: {"\\ud83d\\ude00": "\\ud83d\\ude00.csv"}', "fleet.yaml")
    assert problems == []
    assert text.value == {"a": {"😀": "😀.csv"}}
    for wrong in ('a: "\\ud83d"', '"\\ude00": 1', 'a: ["\\ude00\\ud83d"]'):
        _, (problem,) = parse(wrong, "fleet.yaml")
        assert "holds half a surrogate pair" in str(problem)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BOMB, "1: not YAML: more than 50,000 values, with aliases"),
        ("a: &a [*a]\n", "1: not YAML: nested too deeply, or recursive"),
        ("a: &a\n  b: *a\n", "1: not YAML: nested too deeply, or recursive"),
        ("a: " + "[" * 100_000, "1: not YAML: nested more than 32 levels deep"),
        ("a: " + "[" * 100_000 + "]" * 100_000, "1: not YAML: nested more than 32 levels deep"),
        ("{a: " * 100_000, "1: not YAML: nested more than 32 levels deep"),
        ("- " * 100_000, "1: not YAML: nested more than 32 levels deep"),
        (
            "\n".join(" " * i + "a:" for i in range(1000)),
            "32: not YAML: nested more than 32 levels",
        ),
        ("#" * 20 * 1024**2, "1: 20.0 MB; 1 MB at most"),
        ("a:\n\tb: 1\n", "2: not YAML: found character '\\t' that cannot start any token"),
        ("a: 1\nb: \0\n", "2: not YAML: the character #x0000 is not allowed"),
        ("a: 1\nb: \udcff\n", "2: not UTF-8 text; save the file as UTF-8"),
        ("a: 1\n---\nb: 2\n", "3: a second document begins here; one is expected"),
        ("a: 1\nb: 2020-99-99\n", "2: b: not YAML: month must be in 1..12"),
        ("a: " + "1" * 10_000, "1: a: not YAML: Exceeds the limit (4300 digits) for integer"),
        ("a: 1\n'b\n", "3: not YAML: found unexpected end of stream"),
    ],
)
def test_content_that_is_too_much_or_no_yaml_is_one_line(content: str, said: str) -> None:
    text, found = parse(content, "f.yaml")
    assert text.value is None
    assert str(found[0]).startswith(f"f.yaml:{said}")
    assert all("\n" not in str(one) and len(str(one)) < 250 for one in found)


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffa: 1\n",
        "a: 1\r\n",
        "---\na: 1\n...\n",
        "%YAML 1.1\n---\na: 1\n",
        "{a: 1}",
        "'a': 1 #x",
    ],
)
def test_every_spelling_of_a_mapping_is_read(content: str) -> None:
    text, found = parse(content, "f.yaml")
    assert (text.value, found) == ({"a": 1}, [])


def test_a_file_of_several_documents_knows_the_lines_of_each() -> None:
    found, problems = parse_all("a: 1\n---\n# two\nb:\n  c: 2\n---\n", "f.yaml")
    assert problems == []
    assert [one.value for one in found] == [{"a": 1}, {"b": {"c": 2}}, None]
    assert found[1].line(("b", "c")) == 5
