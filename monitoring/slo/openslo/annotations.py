"""Annotations of our own, for what OpenSLO has no field for; docs/slo.md has a table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from monitoring.near import near
from monitoring.slo.openslo.node import Node
from monitoring.slo.openslo.values import shown, word

OURS, RESERVED = "driftwarden.io/", "openslo.com/"
GUARD, MULTIWINDOW = f"{OURS}guard", f"{OURS}multiwindow"
RUNBOOK, OWNER = f"{OURS}runbook", f"{OURS}owner"
LONGEST = 2000


def _truth(value: str) -> str:
    return "" if value in ("true", "false") else 'write "true" or "false"'


def _link(value: str) -> str:
    plain = value.isprintable() and " " not in value and len(value) <= LONGEST
    ok = plain and value.startswith(("https://", "http://"))
    return "" if ok else f"write a link that begins with https://, at most {LONGEST:,} characters"


def _name(value: str) -> str:
    ok = value.strip() and value.isprintable() and len(value) <= LONGEST
    return "" if ok else f"write 1 to {LONGEST:,} printable characters"


#: By kind of object: each annotation, and what is wrong with a value of it.
ANNOTATIONS: Mapping[str, Mapping[str, Callable[[str], str]]] = {
    "SLO": {RUNBOOK: _link, OWNER: _name},
    "AlertPolicy": {GUARD: _truth, MULTIWINDOW: _truth},
}


def checked(node: Node, key: str, value: str, kind: str) -> None:
    """Tell what is wrong with an annotation of ours on an object of a kind."""
    known = ANNOTATIONS.get(kind, {})
    if key in known:
        if wrong := known[key](value):
            node.wrong(f"{shown(value)}: {wrong}")
        return
    for other, names in ANNOTATIONS.items():
        if key in names:
            node.wrong(f"has no effect here; it belongs to kind {other}")
            return
    everywhere = [name for names in ANNOTATIONS.values() for name in names]
    node.wrong(f"no annotation of this name{near(word(key), everywhere)}")


def asked(annotations: Mapping[str, str], key: str) -> bool:
    """Tell whether an annotation is switched on."""
    return annotations.get(key) == "true"
