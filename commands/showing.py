"""The output of the operator's commands as tables and lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, OverflowMethod
from rich.table import Column, Table
from rich.text import Text

from commands.output import legible

NEWEST = 40
#: The most alerts of a model in its line.
SHOWN = 3


def show(found: object, view: str) -> None:
    """Print a view as a table or a few lines."""
    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    console.print(_VIEWS[view](legible(found)))


def _status(found: dict[str, list[dict[str, Any]]]) -> Group:
    models = _models(found["models"])
    trouble = [_halted(one) for one in found["halted"]]
    trouble += [_unreachable(one) for one in found["unreachable"]]
    return Group(models, *map(Text, trouble)) if trouble else models


def _unreachable(one: dict[str, Any]) -> str:
    name = f"{one['receiver']} of team {one['team']}"
    left = f"its pages go to {', '.join(one['left'])}" if one["left"] else "nobody can be paged"
    return f"UNREACHABLE: {name}{_since(one['since'])}: {one['reason']}; {left}"


def _since(moment: str | None) -> str:
    return f" since {moment.removesuffix('Z')[:19]}Z" if moment else ""


def _halted(one: dict[str, Any]) -> str:
    name = one["partition"]
    since = _since(one["since"])
    advice = f"fix the cause, then: driftwarden resume {name}"
    return f"HALTED: {name}{since}: {one['reason']}; {advice}"


def _models(found: list[dict[str, Any]]) -> Group:
    rows = []
    for model in found:
        rollout = model["rollout"]
        under_way = f"{rollout['phase']} of {rollout['challenger']}" if rollout else model["run"]
        rows.append(
            (
                model["name"],
                model["champion"] or "not begun",
                model["latest_window"] or "none yet",
                model["verdict"] or "none yet",
                _some([alert["id"] for alert in model["firing"]]) or "nothing",
                under_way or "nothing",
            )
        )
    return _lined(("model", "champion", "window", "verdict", "firing", "under way"), rows)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _lined(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Group:
    """Lay out one line a row: cut at the width of a terminal, whole in a pipe or a file."""
    cells = [titles, *([" ".join(cell.split()) for cell in row] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    cut: OverflowMethod = "ellipsis" if sys.stdout.isatty() else "ignore"
    lines = []
    for row, style in zip(cells, ("bold", *([""] * len(rows))), strict=True):
        padded = [set_cell_size(cell, size) for cell, size in zip(row, widths, strict=True)]
        lines.append(Text("  ".join(padded).rstrip(), style, no_wrap=True, overflow=cut))
    return Group(*lines)


def _alerts(found: list[dict[str, Any]]) -> Table | Text:
    if not found:
        return Text("no alert has fired")
    table = Table(
        Column("alert", no_wrap=True, overflow="fold"), "severity", "state", "reason", box=None
    )
    for alert in found:
        state = "firing" if alert["firing"] else "resolved"
        if alert["acknowledged_by"]:
            state += f", acknowledged by {alert['acknowledged_by']}"
        if alert["muted"]:
            state += f", {alert['muted']}"
        table.add_row(alert["id"], alert["severity"], state, Text(alert["reason"]))
    return table


def _journal(found: list[dict[str, Any]]) -> Group:
    lines = [(record["at"], line) for record in found for line in record["lines"]]
    rows = []
    for at, line in lines[-NEWEST:]:
        told = ", ".join(_fields(line))
        rows.append((at[:19].replace("T", " "), line["what"], told))
    shown = _lined(("at (UTC)", "what", ""), rows)
    if len(lines) <= NEWEST:
        return shown
    return Group(shown, Text(f"the newest {NEWEST} of {len(lines)} lines; --json prints all"))


def _fields(line: Mapping[str, object]) -> Iterator[str]:
    """Yield what a line says in words and numbers, such as the shares of a split."""
    for name, value in line.items():
        if name == "what" or _is_hash(value) or value == "":
            continue
        if isinstance(value, float):
            yield f"{name} {value:.4g}"
        elif isinstance(value, str | int):
            yield f"{name} {value}"
        elif (
            isinstance(value, dict)
            and value
            and all(isinstance(one, int) for one in value.values())
        ):
            yield f"{name} {' '.join(f'{key} {one}' for key, one in value.items())}"


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and " " not in value


def _verified(found: dict[str, Any]) -> Text:
    counts = ", ".join(f"{name} {count}" for name, count in found["records"].items())
    lines = [f"every journal verified; records: {counts or 'none yet'}"]
    for name, begin in found["authenticated_from"].items():
        if begin is not None and begin > 1:
            lines.append(f"{name}: authenticated from record {begin} on")
    return Text("\n".join([*lines, *found["notes"]]))


def _outcome(found: dict[str, Any]) -> Text:
    return Text(found["text"])


def _sent(found: dict[str, Any]) -> Text:
    return Text(found["id"])


def _drawn(found: dict[str, Any]) -> Text:
    return Text(f"report: {found['report']}")


def _drill(found: list[dict[str, Any]]) -> Table:
    table = Table("fault", "seen", "told", "after", box=None)
    for one in found:
        told = ", ".join(one["told"]) or "NOBODY"
        table.add_row(one["fault"], Text(f"{one['about']}: {one['seen']}"), told, one["after"])
    return table


def _tested(found: list[dict[str, Any]]) -> Text:
    return Text("\n".join(f"{one['event']}: {one['answer']}" for one in found))


_VIEWS: dict[str, Callable[[Any], Any]] = {
    "status": _status,
    "alerts": _alerts,
    "journal": _journal,
    "verify": _verified,
    "command": _outcome,
    "sent": _sent,
    "report": _drawn,
    "drill": _drill,
    "page-test": _tested,
}
