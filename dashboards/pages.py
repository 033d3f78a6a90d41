"""The pages: whole HTML documents, rendered here, without script and without other requests."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from dashboards.story import story
from engine import journal
from engine.errors import Refused
from fleet.service import Service


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("dashboards"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def fleet(service: Service) -> str:
    """Return the page of all models."""
    return _environment().get_template("fleet.html").render(models=service.read("models"))


def model(service: Service, name: str) -> str:
    """Return the page of one model; Refused where it is not watched."""
    if name not in service.fleet.models:
        known = ", ".join(service.fleet.models) or "none"
        raise Refused(f"no model {name!r}; known are {known}")
    told = story(journal.read(service.loop.store, name))
    return _environment().get_template("model.html").render(name=name, story=told)
