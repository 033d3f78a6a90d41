"""Render the pages that are made from the code: `python tests/docs/render.py` rewrites them."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from enum import Enum
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from pydantic import TypeAdapter  # noqa: E402
from pydantic.fields import FieldInfo  # noqa: E402

from engine.policy import Policy  # noqa: E402
from fleet import instruments, published  # noqa: E402
from fleet.document.config import Document  # noqa: E402
from fleet.document.policies import ModelPolicy  # noqa: E402
from fleet.document.variants import variants  # noqa: E402
from monitoring.alerts import group, lifecycle, reach  # noqa: E402
from retrain import registry, run  # noqa: E402
from retrain.rollout.stages import EDGES as ROLLOUT_EDGES  # noqa: E402

BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
WORDS = {
    timedelta: "duration",
    str: "text",
    int: "whole number",
    float: "number",
    bool: "yes or no",
    Any: "anything",
}

POLICY_HEAD = """\
# fleet.yaml, field by field

Rendered from the policies in the code by `python tests/docs/render.py`; a test fails where the two
differ. A description is in the code, beside the rule that uses the field.

- `NAME` stands for a name of your own: a-z, 0-9 and '-', at most 63 characters; under
  `drift.features` it is the name of a column.
- Every field of `models.NAME` can also be set under `defaults`: defaults are merged with every
  model, level by level, and the model's own values take precedence. A list is replaced as a whole.
- A duration is `30s`, `5m`, `2h`, `1d` or `1w`, or ISO 8601: `PT30M`, `PT2H`, `P7D`; ten years at
  most.
- A field that is not listed here is refused, with its line and the nearest known name.
- Paths are relative to the folder of fleet.yaml, unless the field says otherwise.
- Editors read the same as a JSON Schema: `docs/fleet.schema.json`.
"""

STATES_HEAD = """\
# State machines

Drawn from the tables of legal moves in the code by `python tests/docs/render.py`; a test fails
where the two differ. Other tests walk every arrow. A state without a way out is an end.
"""

EVENTS_HEAD = """\
# Published events

Rendered from the catalogue (`fleet/published.py`) by `python tests/docs/render.py`; a test fails
where the two differ.

Every event is a CloudEvents 1.0 document. In Azure it goes to the Event Grid topic that
`EVENTGRID_TOPIC_ENDPOINT` names, on one machine into `events.jsonl` of the store's folder.

| attribute | meaning |
|---|---|
| `specversion` | `1.0` |
| `id` | the event's key; a repeated delivery has the same, so readers can deduplicate by it |
| `source` | `/driftwarden/models/MODEL`, or `/driftwarden/fleet` |
| `type` | one of those below |
| `subject` | what it is about, e.g. `alerts/drift-3` |
| `time` | when it was decided, UTC |
| `datacontenttype` | `application/json` |
| `dataschema` | the URI of the type's schema; its last part is the version |
| `data` | the fields below |

Delivery is at least once and in order for each model; Event Grid itself keeps no order. A field
may be added within a version: ignore unknown fields. Removing a field, or changing its meaning,
makes a new version. An event that the topic refuses for good is a `refused` line in the
model's journal, counts as `declined`, and opens a ticket; after other failures it is sent again.
"""

TELEMETRY_HEAD = """\
# Telemetry

Rendered from the catalogue (`fleet/instruments.py`) by `python tests/docs/render.py`; a test fails
where the two differ.

In Azure, metrics, spans and custom events go to Application Insights: tables `AppMetrics`,
`AppRequests` and `AppDependencies`, and `AppEvents`. A trace runs from the event's delivery through
the queue message to the resulting effects. Telemetry contains no feature values, row ids or
personal names.
"""

MACHINES: tuple[tuple[str, str, str, Mapping[Any, Iterable[Any]]], ...] = (
    (
        "Alert",
        "One alert key of one model (`monitoring/alerts/lifecycle.py`). A condition that an "
        "announced event explains waits in `pending`.",
        "inactive",
        lifecycle.EDGES,
    ),
    (
        "Group",
        "All alerts of one kind of one team, told together (`monitoring/alerts/group.py`).",
        "closed",
        group.EDGES,
    ),
    (
        "Receiver",
        "One receiver of one team, by what came of the messages to it "
        "(`monitoring/alerts/reach.py`).",
        "reachable",
        reach.EDGES,
    ),
    (
        "Run",
        "One training (`retrain/run.py`). From `submitted` or `running` back to `submitted`: a "
        "new attempt after the infrastructure failed.",
        "requested",
        run.EDGES,
    ),
    (
        "Rollout",
        "One challenger's way to production: the moves that the stages of its strategy allow "
        "(`retrain/rollout/stages.py`). From `waiting` straight to `canary`: a named operator "
        "waived the shadow.",
        "waiting",
        ROLLOUT_EDGES,
    ),
    (
        "Registry stage",
        "Where a version stands in the registry (`retrain/registry.py`).",
        "candidate",
        registry.MOVES,
    ),
)


def policy_page() -> str:
    """Return docs/policy.md: a table for every policy that fleet.yaml can hold."""
    parts = [POLICY_HEAD]
    for path, policy in _policies("", Document):
        parts.append(_section(path, policy))
    return "\n".join(parts)


def states_page() -> str:
    """Return docs/states.md: a diagram for every state machine."""
    return "\n".join([STATES_HEAD, *(_diagram(*machine) for machine in MACHINES)])


def schema() -> str:
    """Return docs/fleet.schema.json: fleet.yaml as a JSON Schema.

    What a model lacks may stand under `defaults`, so no field is required of either alone.
    """
    found = Document.model_json_schema()
    model = _reference(ModelPolicy.__name__)
    found["properties"]["defaults"] = {
        **model,
        "description": found["properties"]["defaults"]["description"],
    }
    below = (_policies_of(one).values() for one in ModelPolicy.model_fields.values())
    shapes: list[type[Any]] = [ModelPolicy, *chain.from_iterable(below)]
    for shape in shapes:
        _definition(found, shape).pop("required", None)
    for named in found["properties"].values():
        if "patternProperties" in named:
            named["additionalProperties"] = False
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "fleet.yaml"}
    return json.dumps({**found, **head}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def events_page() -> str:
    """Return docs/events.md: every type with its fields."""
    parts = [EVENTS_HEAD]
    for shape in published.CATALOGUE.values():
        parts += [
            f"## `{published.PREFIX}{shape.event}`\n",
            f"{shape.description} Subject `{shape.about}s/…`; schema `docs/events/{shape.file}` "
            f"(`{shape.uri}`).\n",
            _table(
                ("field", "type", "meaning"),
                ((f"`{f.name}`", _shape(f), f.description) for f in shape.fields),
            ),
        ]
    return "\n".join(parts)


def telemetry_page() -> str:
    """Return docs/telemetry.md: metrics, spans, custom events, and what attributes can be."""
    metrics, spans = instruments.METRICS.values(), instruments.SPANS.values()
    return "\n".join(
        [
            TELEMETRY_HEAD,
            "## Metrics\n",
            _table(
                ("metric", "instrument", "unit", "attributes", "meaning"),
                (
                    (f"`{m.name}`", m.instrument, m.unit, _names(m.attributes), m.description)
                    for m in metrics
                ),
            ),
            "## Spans\n",
            _table(
                ("span", "seen as", "attributes", "meaning"),
                (
                    (
                        f"`{s.name}`", "request" if s.consumes else "dependency",
                        _names(s.attributes), s.description,
                    )
                    for s in spans
                ),
            ),
            "## Custom events\n",
            _table(
                ("event", "attributes", "meaning"),
                (
                    (f"`{e.name}`", _names(e.attributes), e.description)
                    for e in instruments.EVENTS.values()
                ),
            ),
            "## Attributes\n",
            _table(
                ("attribute", "values"),
                ((f"`{name}`", told) for name, told in instruments.ATTRIBUTES.items()),
            ),
        ]
    )  # fmt: skip


def event_schema(shape: published.Published) -> str:
    """Return a schema file of docs/events."""
    return json.dumps(published.schema(shape), indent=1, ensure_ascii=False) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:], ""])


def _names(attributes: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in attributes) or "none"


def _shape(field: published.Field) -> str:
    words = " or ".join(f"`{word}`" for word in field.words)
    kinds = {"string": "text", "integer": "whole number", "array": "list of text"}
    known = words or kinds.get(field.shape, field.shape)
    return f"{known} or null" if field.nullable else known


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _definition(found: dict[str, Any], shape: type[Policy]) -> dict[str, Any]:
    named: dict[str, dict[str, Any]] = found["$defs"]
    long = f"{shape.__module__}.{shape.__name__}".replace(".", "__")
    return named[long] if long in named else named[shape.__name__]


def _policies(path: str, policy: type[Policy]) -> Iterator[tuple[str, type[Policy]]]:
    """Yield every policy with the path at which it stands, parents first."""
    yield path, policy
    for name, field in policy.model_fields.items():
        for kind, inner in _policies_of(field).items():
            variant = f" {{kind: {kind}}}" if kind else ""
            yield from _policies(_below(path, name, field) + variant, inner)


def _policies_of(field: FieldInfo) -> dict[str, type[Policy]]:
    """Return the policies that a field holds, by kind; a policy without variants is under ""."""
    shape = field.annotation
    if get_origin(_plain(shape)) is dict:
        shape = get_args(_plain(shape))[1]
    elif get_origin(_plain(shape)) is tuple:
        shape = get_args(_plain(shape))[0]
    if found := variants(shape):
        return found
    shape = _plain(shape)
    return {"": shape} if isinstance(shape, type) and issubclass(shape, Policy) else {}


def _below(path: str, name: str, field: FieldInfo) -> str:
    origin = get_origin(_plain(field.annotation))
    marks: dict[Any, str] = {dict: ".NAME", tuple: "[]"}
    return f"{path}.{name}".lstrip(".") + marks.get(origin, "")


def _plain(shape: Any) -> Any:
    while get_origin(shape) in (Union, types.UnionType, Annotated):
        shape = next(one for one in get_args(shape) if one is not type(None))
    return shape


def _section(path: str, policy: type[Policy]) -> str:
    title = f"`{path}`" if path else "The document"
    lines = [f"## {title}", "", (policy.__doc__ or "").splitlines()[0], ""]
    lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
    for name, field in policy.model_fields.items():
        inner = _policies_of(field).get("")
        own = (inner.__doc__ or "").splitlines()[0] if inner is not None else ""
        meaning = (field.description or own).replace("|", "\\|")
        lines.append(f"| `{name}` | {_type(field)} | {_default(field)} | {meaning} |")
    return "\n".join([*lines, ""])


def _type(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {_bound(getattr(mark, name))}"
        for mark in field.metadata
        for name, sign in BOUNDS.items()
        if getattr(mark, name, None) is not None
    ]
    return ", ".join([_word(field.annotation), *bounds])


def _bound(value: Any) -> str:
    return str(TypeAdapter(type(value)).dump_python(value, mode="json"))


def _word(shape: Any) -> str:
    shape = _plain(shape)
    if get_origin(shape) is Literal:
        return " or ".join(f"`{one}`" for one in get_args(shape))
    if get_origin(shape) is dict:
        return f"NAME: {_word(get_args(shape)[1])}"
    if get_origin(shape) is tuple:
        return f"list of {_word(get_args(shape)[0])}"
    if isinstance(shape, type) and issubclass(shape, Enum):
        return " or ".join(f"`{one.value}`" for one in shape)
    if isinstance(shape, type) and issubclass(shape, Policy):
        return "fields, below"
    return WORDS[shape]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Policy):
        return "see below"
    if value is None:
        return "none"
    if value in ((), {}):
        return "empty"
    return f"`{json.dumps(_json(value))}`"


def _json(value: Any) -> Any:
    return TypeAdapter(type(value)).dump_python(value, mode="json")


def _diagram(title: str, told: str, first: str, edges: Mapping[Any, Iterable[Any]]) -> str:
    lines = [f"## {title}", "", told, "", "```mermaid", "stateDiagram-v2"]
    lines.append(f"    [*] --> {first}")
    for before, after in edges.items():
        lines += [f"    {before} --> {one}" for one in sorted(map(str, after))]
        if not after:
            lines.append(f"    {before} --> [*]")
    return "\n".join([*lines, "```", ""])


PAGES: dict[str, Callable[[], str]] = {
    "docs/policy.md": policy_page,
    "docs/states.md": states_page,
    "docs/fleet.schema.json": schema,
    "docs/events.md": events_page,
    "docs/telemetry.md": telemetry_page,
    **{
        f"docs/events/{shape.file}": partial(event_schema, shape)
        for shape in published.CATALOGUE.values()
    },
}

if __name__ == "__main__":
    (ROOT / "docs/events").mkdir(exist_ok=True)
    for name, render in PAGES.items():
        (ROOT / name).write_text(render(), encoding="utf-8")
        print(name)
