"""Bicep templates as syntax trees: what they declare, use and pass on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_bicep.language()))
#: Names that Bicep itself brings.
BUILT_IN = {
    "empty", "guid", "items", "loadJsonContent", "replace", "resourceGroup", "resourceId", "split",
    "subscription", "subscriptionResourceId", "toLower", "union", "uniqueString",
}  # fmt: skip


def walk(node: Node) -> Iterator[Node]:
    """Every node below, and the node."""
    yield node
    for child in node.children:
        yield from walk(child)


def text(node: Node) -> str:
    """The source of a node; that of a string without its quotes."""
    assert node.text is not None
    found = node.text.decode()
    return found[1:-1] if node.type == "string" else found


def body(node: Node) -> Node:
    """The object of a declaration, also of one under `for` or `if`."""
    while node.type != "object":
        last = [one for one in node.named_children if one.type in _BODIES]
        node = last[-1]
    return node


_BODIES = ("object", "for_statement", "if_statement")


def properties(node: Node) -> dict[str, Node]:
    """The properties of an object by name."""
    pairs = [one for one in node.named_children if one.type == "object_property"]
    return {text(one.named_children[0]): one.named_children[-1] for one in pairs}


@dataclass(frozen=True)
class Declared:
    """A resource or module: its symbol, what it is of (a type or a path), and its body."""

    symbol: str
    of: str
    existing: bool
    body: Node


@dataclass
class Template:
    """One .bicep file."""

    path: Path
    errors: list[str] = field(default_factory=list)

    @cached_property
    def root(self) -> Node:
        """The tree; what is wrong with it stands in `errors`."""
        return PARSER.parse(self.path.read_bytes()).root_node

    def __post_init__(self) -> None:
        for node in walk(self.root):
            if node.is_error or node.is_missing:
                line = node.start_point[0] + 1
                self.errors.append(f"{self.path.name}:{line}: {node.type} {text(node)[:40]!r}")

    @cached_property
    def params(self) -> dict[str, bool]:
        """Parameters, and whether they must be given."""
        found = [one for one in walk(self.root) if one.type == "parameter_declaration"]
        return {text(one.named_children[0]): b"=" not in _tokens(one) for one in found}

    @cached_property
    def variables(self) -> set[str]:
        """Names of the variables."""
        found = [one for one in walk(self.root) if one.type == "variable_declaration"]
        return {text(one.named_children[0]) for one in found}

    @cached_property
    def outputs(self) -> dict[str, Node]:
        """Outputs by name."""
        found = [one for one in walk(self.root) if one.type == "output_declaration"]
        return {text(one.named_children[0]): one for one in found}

    @cached_property
    def resources(self) -> list[Declared]:
        """Resources, nested ones too."""
        return list(self._declared("resource_declaration"))

    @cached_property
    def modules(self) -> list[Declared]:
        """Modules; `of` is the path as written."""
        return list(self._declared("module_declaration"))

    def _declared(self, kind: str) -> Iterator[Declared]:
        for node in walk(self.root):
            if node.type == kind:
                symbol, of = node.named_children[:2]
                yield Declared(text(symbol), text(of), b"existing" in _tokens(node), body(node))

    @cached_property
    def loops(self) -> set[str]:
        """Names that stand for an element of a loop."""
        found = [one.named_children[0] for one in walk(self.root) if one.type == "for_statement"]
        return {text(name) for one in found for name in one.named_children or [one]}

    @cached_property
    def used(self) -> set[str]:
        """Identifiers that are read."""
        declared = {
            "parameter_declaration", "variable_declaration", "output_declaration",
            "resource_declaration", "module_declaration", "metadata_declaration",
            "object_property", "for_statement", "decorator",
        }  # fmt: skip
        found = set()
        for node in walk(self.root):
            if node.type != "identifier" or node.parent is None:
                continue
            names_it = node.parent.type in declared and node.parent.named_children[0] == node
            if not names_it and not _decorates(node):
                found.add(text(node))
        return found


def _decorates(node: Node) -> bool:
    while node.parent is not None:
        if node.type == "decorator":
            return True
        node = node.parent
    return False


def _tokens(node: Node) -> list[bytes | None]:
    return [one.text for one in node.children if not one.is_named or one.type == "existing"]
