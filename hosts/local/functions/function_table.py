"""The table of entry points that a Functions app offers, read once when a host starts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, cast

import azure.functions as func
from azure.functions.decorators.core import Binding
from azure.functions.decorators.function_app import Function

from engine.errors import Refused
from hosts.local.functions.http import METHODS
from hosts.local.functions.messages import check_name
from hosts.local.functions.routes import Route, parse_route
from hosts.local.functions.timers import parse_schedule


class Trigger(StrEnum):
    """The trigger kinds that the local host has, by their names in function.json."""

    HTTP = "httpTrigger"
    EVENT_GRID = "eventGridTrigger"
    TIMER = "timerTrigger"
    QUEUE = "queueTrigger"


#: The name of the return value in a binding.
RETURN = "$return"


@dataclass(frozen=True)
class Entry:
    """One function: its trigger, and its queue outputs.

    Attributes
    ----------
    argument : str
        The parameter for the trigger's input.
    outputs : tuple of (str, str)
        (parameter or `$return`, queue) of every queue output.
    context : bool
        Whether it has a `context` parameter.
    text : bool
        Whether it takes the trigger's input as text, without decoding.
    route, methods, key_needed : HTTP triggers only.
    queue : queue triggers only.
    schedule, at_start : timers only.
    """

    name: str
    trigger: Trigger
    function: Callable[..., object]
    argument: str
    outputs: tuple[tuple[str, str], ...] = ()
    context: bool = False
    text: bool = False
    route: Route | None = None
    methods: frozenset[str] = METHODS
    key_needed: bool = True
    queue: str = ""
    schedule: str = ""
    at_start: bool = False


def read_entries(
    app: func.FunctionApp, route_prefix: str, settings: Mapping[str, str]
) -> tuple[Entry, ...]:
    """Read the app's functions, in the order they were defined.

    Parameters
    ----------
    settings : mapping
        The values of `%NAME%` in schedules and names of queues.

    Raises
    ------
    Refused
        A function has a trigger, binding or retry policy that the local host lacks, or one whose
        settings cannot work; two functions share a queue, or answer the same path (Azure leaves
        open which one wins).
    """
    # The app remembers names between readings and would report each as a duplicate.
    app.functions_bindings = None
    try:
        functions = app.get_functions()
    except ValueError as error:
        raise Refused(f"the Functions app cannot be read: {error}") from error
    entries = tuple(_entry(function, route_prefix, settings) for function in functions)
    _refuse_shared_routes(entries)
    _refuse_shared_queues(entries)
    return entries


def _entry(function: Function, prefix: str, settings: Mapping[str, str]) -> Entry:
    name = str(function.get_function_name())
    try:
        if function.get_setting("retry_policy") is not None:
            raise Refused("the local host has no retry policies: remove @app.retry")
        trigger = cast("Binding", function.get_trigger()).get_dict_repr()
        kind = _kind(trigger["type"])
        outputs = _outputs(function, settings)
        call = function.get_user_function()
        context = _takes_context(call, {trigger["name"], *(arg for arg, _ in outputs)})
        entry = Entry(name, kind, call, trigger["name"], outputs, context)
        return _with_rules(entry, trigger, prefix, settings)
    except Refused as refusal:
        raise Refused(f"function {name}: {refusal}") from refusal


def _kind(name: str) -> Trigger:
    if name not in set(Trigger):
        raise Refused(f"the local host has no {name}, only {', '.join(Trigger)}")
    return Trigger(name)


def _with_rules(
    entry: Entry, trigger: Mapping[str, Any], prefix: str, settings: Mapping[str, str]
) -> Entry:
    match entry.trigger:
        case Trigger.HTTP:
            # The Functions host treats an empty route as none, which means the function's name.
            route = str(trigger.get("route") or entry.name)
            methods = trigger.get("methods") or METHODS
            return replace(
                entry,
                route=parse_route("/".join(part for part in (prefix, route) if part)),
                methods=frozenset(str(getattr(m, "value", m)).upper() for m in methods),
                key_needed=trigger.get("authLevel") != func.AuthLevel.ANONYMOUS,
            )
        case Trigger.QUEUE:
            return replace(entry, queue=check_name(_resolve(trigger["queueName"], settings)))
        case Trigger.TIMER:
            schedule = _resolve(trigger["schedule"], settings)
            parse_schedule(schedule)
            return replace(entry, schedule=schedule, at_start=bool(trigger.get("runOnStartup")))
        case Trigger.EVENT_GRID:
            taken = inspect.signature(entry.function).parameters[entry.argument].annotation
            return replace(entry, text=taken in (str, "str"))


def _outputs(function: Function, settings: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    found = []
    for binding in function.get_bindings():
        written = binding.get_dict_repr()
        if binding is function.get_trigger() or written["type"] == "http":
            continue
        if written["type"] != "queue":
            raise Refused(f"the local host has no {written['type']} binding, only queue outputs")
        found.append((written["name"], check_name(_resolve(written["queueName"], settings))))
    return tuple(found)


def _takes_context(call: Callable[..., object], bound: set[str]) -> bool:
    parameters = set(inspect.signature(call).parameters)
    expected = bound - {RETURN}
    if parameters - {"context"} != expected - {"context"}:
        raise Refused(f"its parameters are {sorted(parameters)}, its bindings {sorted(expected)}")
    return "context" in parameters - bound


def _resolve(text: object, settings: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1] not in settings:
            raise Refused(f"{text!r}: there is no setting {found[1]}")
        return settings[found[1]]

    return re.sub(r"%([^%]+)%", value, str(text))


def _refuse_shared_routes(entries: tuple[Entry, ...]) -> None:
    for position, one in enumerate(entries):
        for other in entries[:position]:
            if not one.route or not other.route or not one.methods & other.methods:
                continue
            if one.route.overlaps(other.route):
                raise Refused(
                    f"functions {other.name} and {one.name} both answer "
                    f"{other.route.template!r} and {one.route.template!r}: make them distinct"
                )


def _refuse_shared_queues(entries: tuple[Entry, ...]) -> None:
    owners: dict[str, str] = {}
    for entry in entries:
        if entry.queue and entry.queue in owners:
            raise Refused(
                f"functions {owners[entry.queue]} and {entry.name} are both triggered by "
                f"queue {entry.queue!r}: give each its own"
            )
        owners[entry.queue] = entry.name
