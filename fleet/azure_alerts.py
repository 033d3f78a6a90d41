"""Alerts of Azure Monitor, as a webhook gets them or as a list names them, as facts of models.

An alert that is not about a resource of ours is nobody's, whatever its other fields are.

Sources: Microsoft Learn, "Common alert schema" and "Sample alert payloads"; azure-rest-api-specs,
alertsmanagement, `AlertsManagement.json` of 2019-03-01.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from engine.errors import Refused
from engine.step import Delivery
from engine.texts import cut, joined, visible
from fleet.azure_resources import Resources
from fleet.envelope import lowered, moment, sound
from fleet.model.facts import AzureAlerted
from monitoring.alerts.azure import STATELESS_FOR, Known, Phase, Sev

SCHEMA = "azureMonitorCommonAlertSchema"
#: A rule's name has 260 characters at most. A description may have 4,096.
LONGEST, DESCRIBED = 300, 300
#: Targets of one alert that are read.
MOST = 1000
#: Names of the fields of one time each: of its begin, and of its end.
NOTIFIED = ("fireddatetime", "resolveddatetime")
LISTED = ("startdatetime", "monitorconditionresolveddatetime")
W = TypeVar("W", Sev, Phase)
#: Called with the number of targets that cannot be read, where there are some.
Odd = Callable[[int], None]


def _not_counted(odd: int) -> None:
    del odd


def notified(document: object, ours: Resources, odd: Odd = _not_counted) -> list[Delivery]:
    """Read what an action group sends; return a delivery for each model that it is about.

    A target that cannot be read is left out, and counted, where another one can.

    Raises
    ------
    Refused
        It is not of the common alert schema, a field is absent or of the wrong kind, or no target
        can be read.
    """
    keys = _object(document, "azure alert")
    if str(keys.get("schemaid")).lower() != SCHEMA.lower():
        raise Refused(
            f"azure alert: schemaId is {cut(str(keys.get('schemaid')), 60)!r}, not {SCHEMA}: "
            "enable the common alert schema in the action group"
        )
    data = _object(keys.get("data"), "azure alert: data")
    told = _object(data.get("essentials"), "azure alert: data.essentials")
    found = _concerned(told, _targets(told, odd), ours)
    return _deliveries(told, _text(told, "alertid"), NOTIFIED, found) if found else []


def listed(document: object, ours: Resources) -> list[Delivery]:
    """Read an element of the list of alerts, as `notified`; one closed by hand is resolved.

    Raises
    ------
    Refused
        A field is absent or of the wrong kind.
    """
    keys = _object(document, "azure alert")
    told = _object(keys.get("properties"), "azure alert: properties")
    told = _object(told.get("essentials"), "azure alert: properties.essentials")
    if str(told.get("alertstate")).lower() == "closed":
        told["monitorcondition"] = Phase.RESOLVED.value
    found = _concerned(told, [_text(told, "targetresource")], ours)
    return _deliveries(told, _text(keys, "id"), LISTED, found) if found else []


def missed(
    found: Iterable[Delivery], known: Callable[[str], Known], now: datetime
) -> Iterator[Delivery]:
    """Return the deliveries that no webhook made: what fires unheard, and what has ended since.

    `known` returns the alerts that a model has heard of. Old stateless alerts are listed as fired
    for as long as they are kept; they are no news.
    """
    for one in found:
        fact = one.fact
        assert isinstance(fact, AzureAlerted)
        before = known(one.partition).get(fact.id)
        firing = before is not None and before.phase is Phase.FIRED
        old = fact.stateless and fact.at is not None and now - fact.at >= STATELESS_FOR
        unheard = before is None and fact.phase is Phase.FIRED and not old
        if unheard or (firing and fact.phase is Phase.RESOLVED):
            yield one


def _concerned(
    told: Mapping[str, object], targets: Iterable[str], ours: Resources
) -> dict[str, str]:
    """Return the models that are concerned, each with the first of its resources in words."""
    service = told.get("monitoringservice") or told.get("monitorservice")
    health = _squeezed(service) == "servicehealth"
    found: dict[str, str] = {}
    for target in targets:
        for model, words in ours.concerned(target):
            found.setdefault(model, words)
        for model, words in ours.subscribed(target) if health else ():
            found.setdefault(model, words)
    return found


def _deliveries(
    told: Mapping[str, object], name: str, times: tuple[str, str], found: Mapping[str, str]
) -> list[Delivery]:
    name = _last(name).lower()
    where = f"azure alert {name}"
    phase = _word(told, "monitorcondition", Phase)
    fired, resolved = (moment(told.get(key) or None, where) for key in times)
    fact = AzureAlerted(
        name,
        _last(_text(told, "alertrule")),
        _word(told, "severity", Sev),
        phase,
        "",
        (resolved or fired) if phase is Phase.RESOLVED else fired,
        _description(told, where),
        _squeezed(told.get("signaltype")) == "activitylog",
    )
    id_ = joined("azure-alert", phase, name)
    return [Delivery(model, id_, replace(fact, target=words)) for model, words in found.items()]


def _description(told: Mapping[str, object], where: str) -> str:
    text = told.get("description") or ""
    if not isinstance(text, str):
        raise Refused(f"{where}: description is {type(text).__name__}, text is expected")
    return cut(visible(" ".join(text[: 4 * DESCRIBED].split())), DESCRIBED)


def _targets(told: Mapping[str, object], odd: Odd) -> list[str]:
    """Return every id of a resource; configuration items may be plain names as well."""
    given: list[object] = []
    for key in ("alerttargetids", "configurationitems"):
        value = told.get(key) or []
        if not isinstance(value, list):
            raise Refused(f"azure alert: {key} is {type(value).__name__}, a list is expected")
        given += value
    if len(given) > MOST:
        raise Refused(f"azure alert: {len(given)} targets, {MOST} at most")
    found: list[str] = []
    for one in given:
        with suppress(Refused):
            found.append(_target(one))
    if given and not found:
        _target(given[0])
    if len(found) < len(given):
        odd(len(given) - len(found))
    return [one for one in found if one.startswith("/")]


def _target(value: object) -> str:
    if not isinstance(value, str):
        raise Refused(f"azure alert: a target is {type(value).__name__}, text is expected")
    return sound(value, "azure alert: a target")


def _object(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise Refused(f"{what} is {type(value).__name__}, an object is expected")
    return lowered(value)


def _text(told: Mapping[str, object], key: str) -> str:
    value = told.get(key)
    if not isinstance(value, str) or not value.strip("/ "):
        raise Refused(f"azure alert: {key} is missing")
    return sound(value, f"azure alert: {key}")


def _word(told: Mapping[str, object], key: str, words: type[W]) -> W:
    said = _text(told, key)
    for word in words:
        if word.value.lower() == said.lower():
            return word
    raise Refused(f"azure alert: {key} is {cut(said, 60)!r}; {', '.join(words)} are known")


def _last(path: str) -> str:
    """Return the last part of an id: a rule is told by its name or by its id."""
    return cut(path.rstrip("/ ").rpartition("/")[2], LONGEST)


def _squeezed(value: object) -> str:
    return str(value).replace(" ", "").lower()
