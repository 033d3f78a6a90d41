"""The metadata of an object: its name, labels and annotations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from monitoring.slo.openslo.annotations import OURS, RESERVED, checked
from monitoring.slo.openslo.node import LONGEST_DESCRIPTION, Node
from monitoring.slo.openslo.values import shown

#: RFC 1123, and what older examples of OpenSLO use besides.
NAME = re.compile(r"[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?")
KEY = re.compile(r"[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?")
PREFIX = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)


@dataclass(frozen=True)
class Metadata:
    """What names and describes an object."""

    name: str
    display: str = ""
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


def metadata(node: Node, kind: str) -> Metadata:
    """Return the metadata of an object of a kind."""
    node.fields(("name", "displayName", "labels", "annotations"))
    name = node.field("name").text()
    if NAME.fullmatch(name) is None:
        node.at("name").warn(
            f"{shown(name)} is no name by RFC 1123 (a-z, 0-9 and -, at most 63 characters); "
            "other tools refuse it"
        )
    display = node.filled("displayName")
    labels, annotations = node.filled("labels"), node.filled("annotations")
    return Metadata(
        name,
        display.text(LONGEST_DESCRIPTION) if display is not None else "",
        (labels.tried(_labels) if labels is not None else None) or {},
        (annotations.tried(lambda one: _annotations(one, kind)) if annotations else None) or {},
    )


def _labels(node: Node) -> dict[str, tuple[str, ...]]:
    found = {}
    for key in node.mapping():
        label = node.at(key)
        if KEY.fullmatch(key) is None:
            label.warn("a key has at most 63 letters, digits, '-', '_' and '.'")
        several = label.items() if isinstance(label.value, list) and label.value else [label]
        found[key] = tuple(_scalar(one) for one in several)
    return found


def _annotations(node: Node, kind: str) -> dict[str, str]:
    found = {}
    for key in node.mapping():
        note = node.at(key)
        prefix, slash, name = key.rpartition("/")
        if KEY.fullmatch(name) is None or (slash and PREFIX.fullmatch(prefix) is None):
            note.warn("a key is a name of at most 63 characters after an optional domain and '/'")
        if f"{prefix}/" == RESERVED:
            note.warn(f"{RESERVED} is reserved for OpenSLO; the annotation has no effect here")
        found[key] = _scalar(note)
        if f"{prefix}/" == OURS:
            checked(note, key, found[key], kind)
    return found


def _scalar(node: Node) -> str:
    """Return a text; other plain values are taken as texts, which OpenSLO asks for."""
    value = node.value
    if isinstance(value, str):
        return value
    if not isinstance(value, bool | int | float):
        raise node.fault(f"{shown(value)} is not a string")
    text = node.document.numeral(node.path) or shown(value)
    text = text.lower() if isinstance(value, bool) else text
    node.warn(f"{text} is taken as text; write it in quotes")
    return text
