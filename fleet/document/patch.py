"""Changes to fleet.yaml as text: thresholds are inserted, comments stay in place."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import yaml

from engine.errors import Refused
from fleet.document.text import joined, merged, parse, spelled
from monitoring.drift.verdict import Metric

STEP = 2
PSI = Metric.PSI.value


def with_thresholds(content: str, file: str, model: str, thresholds: Mapping[str, float]) -> str:
    """Return the document with `models.MODEL.drift.features.X.threshold` set for every X, in psi.

    Raises
    ------
    Refused
        The text is not YAML, or the place is shared by an alias.
    """
    changed = content
    wanted: dict[str, dict[str, float | str]] = {}
    for name, threshold in thresholds.items():
        path = ("models", model, "drift", "features", name)
        wanted[name] = {"threshold": float(f"{threshold:g}")}
        if _found(parse(content, file)[0].value, (*path, "metric")) not in (None, PSI):
            # The threshold is a psi: under another metric it would be read in that unit.
            wanted[name] = {**wanted[name], "metric": PSI}
        for key, value in wanted[name].items():
            text = value if isinstance(value, str) else f"{value:g}"
            changed = _set(changed, file, (*path, key), text)
    tree = {"models": {model: {"drift": {"features": wanted}}}} if wanted else {}
    if parse(changed, file)[0].value != _laid(parse(content, file)[0].value, tree):
        raise Refused(f"{file}: models.{model}.drift cannot be patched; edit it by hand")
    return changed


def difference(before: str, after: str, file: str) -> str:
    """Return a unified diff; empty where nothing changes."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{file}", f"b/{file}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _found(tree: object, path: tuple[str, ...]) -> object:
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _laid(under: object, over: object) -> object:
    """Like `merged`; a key without a value is an empty mapping."""
    if isinstance(over, dict) and isinstance(under, dict):
        return merged(under, {name: _laid(under.get(name), value) for name, value in over.items()})
    return over


def _set(content: str, file: str, path: tuple[str, ...], value: str) -> str:
    try:
        root = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise Refused(f"{file}: not YAML") from error
    if root is None:
        raise Refused(f"{file}: empty")
    key, node, deep = _deepest(root, path, file)
    rest = path[deep:]
    if isinstance(node, yaml.MappingNode) and node.flow_style:
        # Insert at the front: the last item may be followed by a comma or a comment.
        start, comma = node.start_mark.index + 1, ", " if node.value else ""
        return content[:start] + _flow(rest, value) + comma + content[start:]
    if isinstance(node, yaml.MappingNode):
        return _below(content, node, rest, value)
    text = value if not rest else "{" + _flow(rest, value) + "}"
    if node.start_mark.index == node.end_mark.index:
        # The value is empty: insert behind the colon, so that a comment stays behind the value.
        start = content.index(":", key.end_mark.index) + 1
        return f"{content[:start]} {text}{content[start:]}"
    return content[: node.start_mark.index] + text + content[node.end_mark.index :]


def _deepest(root: yaml.Node, path: tuple[str, ...], file: str) -> tuple[yaml.Node, yaml.Node, int]:
    """Return the deepest existing node of a path, its key, and its depth."""
    key = node = root
    for deep, name in enumerate(path):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next((pair for pair in pairs if joined(str(pair[0].value)) == name), None)
        if found is None:
            return key, node, deep
        inside = node.start_mark.index <= found[1].start_mark.index <= node.end_mark.index
        if not inside:
            raise Refused(f"{file}: {'.'.join(path[: deep + 1])} is an alias; change it by hand")
        key, node = found
    return key, node, len(path)


def _below(content: str, node: yaml.MappingNode, rest: tuple[str, ...], value: str) -> str:
    """Insert lines below the last line of a mapping in block style."""
    lines = content.splitlines(keepends=True)
    ending = "\r\n" if "\r\n" in content else "\n"
    last, column = _last_line(node), node.value[0][0].start_mark.column
    made = [
        " " * (column + STEP * number) + f"{spelled(name)}:"
        for number, name in enumerate(rest[:-2])
    ]
    tail = f"{spelled(rest[-2])}: {{{_flow(rest[-1:], value)}}}" if len(rest) > 1 else ""
    made.append(" " * (column + STEP * len(rest[:-2])) + (tail or _flow(rest, value)))
    if not lines[last].endswith(("\n", "\r")):
        lines[last] += ending
    return "".join([*lines[: last + 1], *(line + ending for line in made), *lines[last + 1 :]])


def _last_line(node: yaml.Node) -> int:
    """Return the line of a node's last word; its end mark may lie on the next token."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        key, value = last if isinstance(node, yaml.MappingNode) else (None, last)
        if key is not None and value.start_mark.index == value.end_mark.index:
            return int(key.end_mark.line)
        return _last_line(value)
    mark = node.end_mark
    return int(mark.line - (mark.column == 0 and mark.line > node.start_mark.line))


def _flow(rest: tuple[str, ...], value: str) -> str:
    first, *others = map(spelled, rest)
    return f"{first}: " + "".join(f"{{{name}: " for name in others) + value + "}" * len(others)
