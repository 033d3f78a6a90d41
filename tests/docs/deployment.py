"""What a deployment makes, read from the templates: every resource with its name and its group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tree_sitter import Node

from tests.docs.bicep import Declared, Template, declared, properties, text
from tests.docs.evaluate import SUBSCRIPTION, Names, Unknown, parameters

template = cache(Template)
INFRA = Path(__file__).parents[2] / "infra"


@dataclass(frozen=True)
class Made:
    """One resource.

    Attributes
    ----------
    kind : its type without the version.
    name : its own name, without those of its parents.
    group : the resource group; empty for the subscription.
    place : the module's file and the symbol of what it is on or in, such as `roles-app/storage`.
    fields : its other fields.
    """

    kind: str
    name: str
    group: str
    place: str
    fields: dict[str, Any]


@dataclass
class Plan:
    """Everything that a deployment makes.

    Attributes
    ----------
    resources : in the order of the templates.
    deployments : (name, group) of every module.
    calls : the parameters of every module of main.bicep, by its symbol.
    """

    resources: list[Made] = field(default_factory=list)
    deployments: list[tuple[str, str]] = field(default_factory=list)
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, kind: str) -> list[Made]:
        """The resources of one type."""
        return [one for one in self.resources if one.kind == kind]

    def kinds(self) -> set[str]:
        """The types of the resources."""
        return {one.kind for one in self.resources}


class Symbol(dict[str, Any]):
    """A resource in an expression: its id and name are known, the rest is not."""

    def __init__(self, source: str, kind: str, name: str, identifier: str) -> None:
        super().__init__(id=identifier, name=name)
        self.source, self.kind = source, kind

    def __missing__(self, key: str) -> Any:
        return Unknown(f"{self.source}.{key}")


class _Module:
    """One template with its parameters, deployed into a group."""

    def __init__(self, path: Path, given: Mapping[str, Any], group: str, plan: Plan) -> None:
        self.template, self.given, self.group, self.plan = template(path), given, group, plan
        self.known: dict[str, Any] = {}
        self.names = Names(path.parent, self.lookup, {})
        self.resources = {one.symbol: one for one in self.template.resources}
        self.modules = {one.symbol: one for one in self.template.modules}

    def lookup(self, name: str) -> Any:
        """The value of a parameter, variable, resource or module."""
        if name not in self.known:
            self.known[name] = self._found(name)
        return self.known[name]

    def _found(self, name: str) -> Any:
        if name in self.given:
            return self.given[name]
        if name in self.template.params:
            default = self.template.params[name]
            assert default is not None, f"{self.template.path.name}: {name} is not given"
            return self.names.value(default, {})
        if name in self.template.variables:
            return self.names.value(self.template.variables[name], {})
        if name in self.resources:
            return self._symbol(self.resources[name])
        assert name in self.modules, f"{self.template.path.name}: {name}"
        return Unknown(name)

    def _symbol(self, one: Declared) -> Any:
        if one.node.named_children[-1].type == "for_statement":
            return Unknown(one.symbol)
        kind, name = one.of.partition("@")[0], self._name(one)
        if kind == "Microsoft.Resources/resourceGroups":
            return Symbol(one.symbol, kind, name, f"/subscriptions/{SUBSCRIPTION}/{name}")
        root = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{self.group}/providers"
        found = Symbol(one.symbol, kind, name, f"{root}/{kind}/{name}")
        self._nested(found, one)
        return found

    def _name(self, one: Declared) -> str:
        return str(self.names.value(properties(one.body)["name"], {}))

    def _nested(self, found: Symbol, one: Declared) -> None:
        for child in declared(one.body, "resource_declaration"):
            # The grammar has a nested resource as a property of the object around it.
            around = child.node.parent and child.node.parent.parent
            if around == one.body:
                name = self._name(child)
                inner = Symbol(
                    f"{found.source}::{child.symbol}",
                    f"{found.kind}/{child.of}",
                    name,
                    f"{found['id']}/{child.of}/{name}",
                )
                found[f"::{child.symbol}"] = inner
                self._nested(inner, child)

    def deploy(self) -> None:
        """Add what the template makes to the plan."""
        for one in self.template.resources:
            if not one.existing:
                for local in self._times(one.node.named_children[-1], {}):
                    self._make(one, local)
        for one in self.template.modules:
            for local in self._times(one.node.named_children[-1], {}):
                self._call(one, local)

    def _times(self, node: Node, local: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        if node.type == "for_statement":
            for inner in self.names.loop(node, local):
                yield from self._times(node.named_children[-1], inner)
        elif node.type == "if_statement":
            if self.names.value(node.named_children[0], local):
                yield from self._times(node.named_children[-1], local)
        else:
            yield local

    def _make(self, one: Declared, local: Mapping[str, Any]) -> None:
        nodes = {key: node for key, node in properties(one.body).items() if key != "dependsOn"}
        on = [text(nodes[key]) for key in ("scope", "parent") if key in nodes]
        fields = {key: self.names.value(node, local) for key, node in nodes.items()}
        self.plan.resources.append(
            Made(
                one.of.partition("@")[0],
                str(fields["name"]),
                self.group,
                f"{self.template.path.stem}/{on[0] if on else one.symbol}",
                fields,
            )
        )

    def _call(self, one: Declared, local: Mapping[str, Any]) -> None:
        nodes = properties(one.body)
        params = self.names.value(nodes["params"], local)
        scope = self.names.value(nodes["scope"], local) if "scope" in nodes else self.group
        group = scope["name"] if isinstance(scope, Symbol) else scope
        self.plan.deployments.append((self.names.value(nodes["name"], local), group))
        self.plan.calls.setdefault(one.symbol, params)
        path = (self.template.path.parent / one.of).resolve()
        _Module(path, params, group, self.plan).deploy()

    def outputs(self) -> dict[str, Any]:
        """The outputs, as far as they are known."""
        return {name: self.names.value(node, {}) for name, node in self.template.outputs.items()}


def deployed(name: str, environment: Mapping[str, str]) -> Plan:
    """What the parameters of infra/NAME.bicepparam make of the template that they are for."""
    path = INFRA / f"{name}.bicepparam"
    using = path.read_text().partition("\n")[0].removeprefix("using './").removesuffix("'")
    plan = Plan()
    module = _Module(INFRA / using, parameters(path, environment), "", plan)
    module.deploy()
    plan.outputs = module.outputs()
    return plan
