"""The value of a Bicep expression, as far as it is known before the deployment starts."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tree_sitter import Node

from tests.docs import bicep
from tests.docs.bicep import text

SUBSCRIPTION = "00000000-0000-4000-8000-000000000000"
#: What `environment()` and its fellows say in the public cloud.
CLOUD = {
    "suffixes": {"storage": "core.windows.net", "keyvaultDns": ".vault.azure.net"},
    "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
}


class Unknown(str):
    """A value that only the deployment knows, by the expression that leads to it."""


class Failed(Exception):
    """The template says `fail`."""


class Names:
    """Evaluates expressions.

    Parameters
    ----------
    folder : where files are read from.
    lookup : the value of a name.
    environment : what `readEnvironmentVariable` reads.
    """

    def __init__(
        self, folder: Path, lookup: Callable[[str], Any], environment: Mapping[str, str]
    ) -> None:
        self._folder, self._lookup, self._environment = folder, lookup, environment

    def value(self, node: Node, local: Mapping[str, Any]) -> Any:
        """The value of an expression; `local` are the names of loops around it."""
        match node.type:
            case "string":
                return "".join(self._part(one, local) for one in node.named_children)
            case "number" | "boolean" | "null":
                return json.loads(text(node))
            case "identifier":
                return local[text(node)] if text(node) in local else self._lookup(text(node))
            case "array":
                return [self.value(one, local) for one in node.named_children if not _comment(one)]
            case "object":
                return self._object(node, local)
            case "parenthesized_expression":
                return self.value(node.named_children[0], local)
            case "for_statement":
                return [self.value(node.named_children[-1], one) for one in self.loop(node, local)]
            case _:
                return self._operation(node, local)

    def loop(self, node: Node, local: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The names of a `for`, for each element."""
        variables, over = node.named_children[:2]
        names = [text(one) for one in variables.named_children] or [text(variables)]
        elements = enumerate(self.value(over, local))
        return [
            {**local, **dict(zip(names, (one, index), strict=False))} for index, one in elements
        ]

    def _part(self, node: Node, local: Mapping[str, Any]) -> str:
        if node.type == "interpolation":
            return str(self.value(node.named_children[0], local))
        return text(node).replace("\\'", "'")

    def _object(self, node: Node, local: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for one in node.named_children:
            if one.type == "object_property":
                key, value = one.named_children[0], one.named_children[-1]
                name = self.value(key, local) if key.type == "string" else text(key)
                found[name] = self.value(value, local)
        return found

    def _operation(self, node: Node, local: Mapping[str, Any]) -> Any:
        given = node.named_children
        match node.type:
            case "ternary_expression":
                return self.value(given[1] if self.value(given[0], local) else given[2], local)
            case "unary_expression":
                return not self.value(given[0], local)
            case "binary_expression":
                return self._binary(node, local)
            case "member_expression":
                return member(self.value(given[0], local), text(given[1]))
            case "subscript_expression":
                return member(self.value(given[0], local), self.value(given[1], local))
            case "resource_expression":
                return member(self.value(given[0], local), f"::{text(given[1])}")
            case "call_expression":
                return self._call(text(given[0]), given[1].named_children, local)
        raise AssertionError(f"{node.type}: {text(node)}")

    def _binary(self, node: Node, local: Mapping[str, Any]) -> Any:
        operator = text(next(one for one in node.children if not one.is_named))
        left, right = node.named_children
        first = self.value(left, local)
        match operator:
            case "&&":
                return first and self.value(right, local)
            case "||":
                return first or self.value(right, local)
            case "??":
                return self.value(right, local) if first is None else first
            case "==":
                return first == self.value(right, local)
            case "!=":
                return first != self.value(right, local)
            case ">":
                return first > self.value(right, local)
        raise AssertionError(text(node))

    def _call(self, name: str, arguments: list[Node], local: Mapping[str, Any]) -> Any:
        if name in ("map", "filter", "toObject"):
            elements = self.value(arguments[0], local)
            functions = [self._lambda(text(one), local) for one in arguments[1:]]
            return _over(name, elements, functions)
        given = [self.value(one, local) for one in arguments]
        if name == "loadJsonContent":
            return json.loads((self._folder / given[0]).read_text())[given[1]]
        if name == "readEnvironmentVariable":
            return self._environment.get(given[0]) or given[1]
        return FUNCTIONS[name](*given)

    def _lambda(self, source: str, local: Mapping[str, Any]) -> Callable[[Any], Any]:
        # The grammar takes `one => one.name` for a member of a lambda: its body is read apart.
        name, _, said = source.partition(" => ")
        body = bicep.expression(said)
        return lambda one: self.value(body, {**local, name: one})


def member(value: Any, name: str | int) -> Any:
    """A property or an element of a value."""
    if isinstance(value, Unknown):
        return Unknown(f"{value}.{name}")
    return value[name]


def _comment(node: Node) -> bool:
    return node.type == "comment"


def _over(name: str, elements: Any, functions: list[Callable[[Any], Any]]) -> Any:
    if isinstance(elements, Unknown):
        return Unknown(f"{name}({elements})")
    if name == "map":
        return [functions[0](one) for one in elements]
    if name == "filter":
        return [one for one in elements if functions[0](one)]
    return {functions[0](one): functions[1](one) for one in elements}


def _union(*given: Any) -> Any:
    if isinstance(given[0], list):
        return list(dict.fromkeys(one for part in given for one in part))
    known = [one for one in given if not isinstance(one, Unknown)]
    return {key: value for one in known for key, value in one.items()}


def _items(given: Any) -> Any:
    if isinstance(given, Unknown):
        return Unknown(f"items({given})")
    return [{"key": key, "value": given[key]} for key in sorted(given)]


def _fail(said: str) -> Any:
    raise Failed(said)


def _resource_id(subscription: str, group: str, kind: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind}/{name}"


def _digest(*given: str) -> str:
    return hashlib.sha256("\n".join(given).encode()).hexdigest()


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "bool": lambda given: given == "true",
    "cidrSubnet": lambda *given: Unknown(f"cidrSubnet{given}"),
    "concat": lambda *given: [one for part in given for one in part],
    "contains": lambda where, what: what in where,
    "empty": lambda given: not given,
    "environment": lambda: CLOUD,
    "fail": _fail,
    "guid": lambda *given: str(uuid.UUID(_digest(*given)[:32])),
    "int": int,
    "items": _items,
    "json": json.loads,
    "list": lambda what, version: Unknown(f"list({what})"),
    "replace": str.replace,
    "length": len,
    "resourceGroup": lambda *path: path[-1] if path else {"id": Unknown("resourceGroup().id")},
    "resourceId": _resource_id,
    "split": str.split,
    "subscription": lambda: {
        "id": f"/subscriptions/{SUBSCRIPTION}",
        "subscriptionId": SUBSCRIPTION,
    },
    "subscriptionResourceId": lambda kind, name: f"{kind}/{name}",
    "tenant": lambda: {"tenantId": Unknown("tenant().tenantId")},
    "toLower": str.lower,
    "union": _union,
    "uniqueString": lambda *given: _digest(*given)[:13],
}


def _nothing(name: str) -> Any:
    raise AssertionError(f"{name}: a parameter file declares no names")


def parameters(path: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a .bicepparam file under an environment."""
    names = Names(path.parent, _nothing, environment)
    found = {}
    for line in path.read_text().splitlines():
        if line.startswith("param "):
            name, _, said = line.removeprefix("param ").partition(" = ")
            found[name] = names.value(bicep.expression(said), {})
    return found
