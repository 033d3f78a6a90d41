"""Bicep templates as syntax trees: what they declare. Whether they compile, the compiler says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_bicep.language()))


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


def expression(source: str) -> Node:
    """The tree of an expression."""
    (declared,) = PARSER.parse(f"var x = {source}\n".encode()).root_node.named_children
    return declared.named_children[-1]


@dataclass(frozen=True)
class Declared:
    """A resource or module: its symbol, what it is of (a type or a path), and its node."""

    symbol: str
    of: str
    existing: bool
    node: Node

    @property
    def body(self) -> Node:
        """Its object."""
        return body(self.node)


@dataclass
class Template:
    """One .bicep file."""

    path: Path

    @cached_property
    def root(self) -> Node:
        """The tree."""
        return PARSER.parse(self.path.read_bytes()).root_node

    @cached_property
    def params(self) -> dict[str, Node | None]:
        """Parameters, and their defaults."""
        found = {}
        for one in self._top("parameter_declaration"):
            has_default = any(child.type == "=" for child in one.children)
            found[text(one.named_children[0])] = one.named_children[-1] if has_default else None
        return found

    @cached_property
    def variables(self) -> dict[str, Node]:
        """Variables, and their expressions."""
        found = self._top("variable_declaration")
        return {text(one.named_children[0]): one.named_children[-1] for one in found}

    @cached_property
    def outputs(self) -> dict[str, Node]:
        """Outputs, and their expressions."""
        found = self._top("output_declaration")
        return {text(one.named_children[0]): one.named_children[-1] for one in found}

    @cached_property
    def resources(self) -> list[Declared]:
        """Resources, nested ones too."""
        return list(declared(self.root, "resource_declaration"))

    @cached_property
    def modules(self) -> list[Declared]:
        """Modules; `of` is the path as written."""
        return list(declared(self.root, "module_declaration"))

    def _top(self, kind: str) -> list[Node]:
        return [one for one in self.root.named_children if one.type == kind]


def declared(root: Node, kind: str) -> Iterator[Declared]:
    """Every declaration of a kind below a node."""
    for node in walk(root):
        if node.type == kind:
            symbol, of = node.named_children[:2]
            yield Declared(text(symbol), text(of), b"existing" in _tokens(node), node)


def _tokens(node: Node) -> list[bytes | None]:
    return [one.text for one in node.children if not one.is_named or one.type == "existing"]
