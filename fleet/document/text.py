"""fleet.yaml as text: plain values, and the line of each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from fleet.document.nodes import DEEPEST, MOST_VALUES, NotYaml, composed

LONGEST_REASON = 120
PLAIN = re.compile(r"[A-Za-z0-9_./-]+")
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One problem of the document: its place, and what to do about it."""

    file: str
    line: int
    path: Path
    message: str

    def __str__(self) -> str:
        """Format it as `fleet.yaml:41: models.churn.rollout: …`."""
        where = ".".join(str(part) for part in self.path)
        return f"{self.file}:{self.line}: {where + ': ' if where else ''}{self.message}"


@dataclass(frozen=True)
class Text:
    """A parsed document: its plain value, the line of every path in it, and decimals as written.

    A float is the nearest binary number of a decimal; `numerals` has the text of each.
    """

    file: str
    value: object
    lines: dict[Path, int]
    numerals: dict[Path, str] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Return the line of a path, or of its nearest parent that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def numeral(self, path: Path) -> str | None:
        """Return a number with a fraction or an exponent as the text has it."""
        return self.numerals.get(path)

    def problem(self, path: Path, message: str) -> Problem:
        """Return a problem with its line; what a model takes from the defaults is told there."""
        inherited = ("defaults", *path[2:])
        if path[:1] == ("models",) and path not in self.lines and inherited in self.lines:
            path = inherited
        return Problem(self.file, self.line(path), path, message)


def parse(content: str, file: str) -> tuple[Text, list[Problem]]:
    """Read YAML of one document; syntax errors and repeated keys become problems."""
    found, problems = parse_all(content, file)
    if len(found) > 1:
        told = "a second document begins here; one is expected"
        problems.append(Problem(file, found[1].line(()), (), told))
    return found[0] if found and not problems else Text(file, None, {}), problems


def parse_all(content: str, file: str) -> tuple[list[Text], list[Problem]]:
    """Read YAML of any number of documents; syntax errors and repeated keys become problems."""
    found: list[Text] = []
    problems: list[Problem] = []
    try:
        for node in composed(content):
            tree = _Tree(file)
            value = tree.value(node, ()) if node is not None else None
            found.append(Text(file, value, tree.lines, tree.numerals))
            problems += tree.problems
    except NotYaml as error:
        problems.append(Problem(file, error.line, (), str(error)))
    return found, problems


def spelled(text: str) -> str:
    """Quote a text where YAML would not read it back as that text.

    >>> print(spelled("plan"), spelled("yes"), spelled("😀: b"), spelled(chr(0x85)))
    plan "yes" "😀: b" "\\U00000085"
    """
    if PLAIN.fullmatch(text) is not None and yaml.safe_load(text) == text:
        return text
    return f'"{"".join(map(_escaped, text))}"'


def joined(text: str) -> str:
    """Join surrogate pairs, which JSON escapes separately, into one character.

    Raises ValueError for half a pair, which cannot be encoded.
    """
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ValueError(f"{text!a} holds half a surrogate pair") from None


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    # Unescaped, some of these end a line in YAML, and others are not allowed in it.
    return f"\\U{ord(character):08x}"


@dataclass(frozen=True)
class _Tree:
    """The lines and problems gathered while the nodes of a file become plain values."""

    file: str
    lines: dict[Path, int] = field(default_factory=dict)
    numerals: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    constructor: yaml.constructor.SafeConstructor = field(
        default_factory=yaml.constructor.SafeConstructor
    )

    def value(self, node: yaml.Node, path: Path) -> object:
        """Return the plain value of a node, and note the line of every path in it.

        Raises `NotYaml` where aliases make too much of it.
        """
        if len(path) > DEEPEST:
            raise NotYaml(_line(node), "not YAML: nested too deeply, or recursive")
        if len(self.lines) > MOST_VALUES:
            raise NotYaml(_line(node), f"not YAML: more than {MOST_VALUES:,} values, with aliases")
        self.lines.setdefault(path, _line(node))
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        try:
            found = self._scalar(node)
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            what = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error)
            self._wrong(node, path, f"not YAML: {' '.join(str(what).split())[:LONGEST_REASON]}")
            return None
        if isinstance(found, float):
            self.numerals[path] = str(node.value)
        return found

    def _scalar(self, node: yaml.Node) -> object:
        if isinstance(node, yaml.ScalarNode):
            node.value = joined(node.value)
        return self.constructor.construct_document(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        found: dict[str, object] = {}
        for key_node, child in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._wrong(key_node, path, "a key must be text, not a list or mapping")
                continue
            # Keys are taken as text: `on` and `2020-01-31` are names, not a boolean or a date.
            try:
                key = joined(str(key_node.value))
            except ValueError as error:
                self._wrong(key_node, path, f"not YAML: {error}")
                continue
            inner = (*path, key)
            if key in found:
                self._wrong(key_node, inner, f"duplicate key; first on line {self.lines[inner]}")
            self.lines[inner] = _line(key_node)
            found[key] = self.value(child, inner)
        return found

    def _wrong(self, node: yaml.Node, path: Path, message: str) -> None:
        self.problems.append(Problem(self.file, _line(node), path, message))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def merged(under: object, over: object) -> object:
    """Merge one mapping over another, level by level; lists and scalars are replaced."""
    if not isinstance(under, dict) or not isinstance(over, dict):
        return over
    found = {
        key: merged(value, over[key]) if key in over else value for key, value in under.items()
    }
    return found | {key: value for key, value in over.items() if key not in under}
