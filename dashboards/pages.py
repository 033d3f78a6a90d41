"""The pages: complete HTML documents without scripts or further requests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dashboards import backtest as backtests
from dashboards import check as checks
from dashboards import overview, views
from dashboards.announced import span
from dashboards.heatmap import level
from dashboards.timeline import stamp
from engine import journal
from engine.errors import NotFound
from engine.store import parse_instant
from fleet import health, read
from fleet.links import LABELS
from fleet.outcomes import Outcome
from fleet.service import Service
from monitoring.drift.report import Report


def fleet(service: Service) -> str:
    """Return the page of all models."""
    newest, loop = {}, service.loop
    for name in service.fleet.models:
        after = max(0, loop.head(name).seq - overview.RECORDS)
        newest[name] = tuple(journal.read(loop.store, name, after))
    widths = {
        name: watched.policy.performance.rolling_days
        for name, watched in service.fleet.models.items()
    }
    view = overview.fleet(
        read.models(loop, service.fleet),
        newest,
        read.alerts(loop, service.fleet),
        widths,
        health.halted(loop),
        health.unreachable(loop, service.fleet, service.clock.now()),
    )
    return _render("fleet.html", view=view, now=service.clock.now())


def model(service: Service, name: str, report: str | None = None) -> str:
    """Return the page of one model, or its report for an alert or a command.

    NotFound where the model is not watched, or the report is not drawn.
    """
    if report:
        return service.report(name, report).decode()
    watched = service.fleet.models.get(name)
    if watched is None:
        known = ", ".join(service.fleet.models) or "none"
        raise NotFound(f"no model {name!r}; known are {known}")
    now = service.clock.now()
    records = tuple(journal.read(service.loop.store, name))
    view = views.model(watched, read.model(service.loop, service.fleet, name), records, now)
    return _render("model.html", view=view, now=now)


def link(service: Service, text: str) -> str:
    """Return the form of a link in a page; Forged where the link was not made here."""
    one, now = service.opened(text), service.clock.now()
    label = LABELS[one.verb]
    about = f"{one.incident} ({one.model})" if one.model else one.incident
    if now >= one.expires:
        told = f"This link expired at {stamp(one.expires)} UTC."
        return _render("link.html", head=about, text=told, button="", now=now)
    told = f"Sent to {one.to}; it works once, until {stamp(one.expires)} UTC."
    return _render("link.html", head=about, text=told, button=label, now=now)


def followed(found: Outcome, now: datetime) -> str:
    """Return the page of what came of a link at `now`."""
    return _render("link.html", head=found.outcome, text=found.text, button="", now=now)


def backtest(found: Mapping[str, Any], now: datetime) -> str:
    """Return the page of a backtest, as one file without further requests."""
    return _render("backtest.html", view=backtests.view(found), now=now)


def check(report: Report, sides: tuple[str, str], now: datetime) -> str:
    """Return the page of a comparison of two files, as one file; `sides` are their names."""
    return _render("check.html", view=checks.view(report, sides), now=now)


def _render(template: str, **shown: object) -> str:
    return _environment().get_template(template).render(**shown)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("dashboards"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(look=views.look, level=level, lasted=_lasted, when=_when, span=span)
    return found


def _when(moment: datetime | str) -> Markup:
    """An instant as a `time` element, to the minute."""
    known = parse_instant(moment) if isinstance(moment, str) else moment
    return Markup('<time datetime="{}">{}</time>').format(known.isoformat(), stamp(known))


def _lasted(length: timedelta) -> str:
    """Write a duration in its largest unit.

    >>> _lasted(timedelta(days=2, hours=1)), _lasted(timedelta(minutes=90))
    ('2 d', '1.5 h')
    """
    hours = length.total_seconds() / 3600
    amount, unit = (hours / 24, "d") if hours >= 24 else (hours, "h")
    return f"{amount:.1f}".removesuffix(".0") + f" {unit}"
