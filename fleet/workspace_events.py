"""Events of a workspace of Azure Machine Learning: versions, deployments and runs.

The fields of the types: Microsoft Learn, "Azure Machine Learning as an Event Grid source" and
"Azure resource group as an Event Grid source".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from engine.errors import Refused
from engine.texts import cut
from fleet import names, registrations
from fleet.azure_resources import Resources
from fleet.document.policies import Fleet
from fleet.envelope import Event, sound
from fleet.model import changes
from fleet.model.facts import Asked, Fact, Hinted, Noted
from fleet.registrations import RUN_TAG, trained_for
from monitoring.change import Change

# The component of Azure Machine Learning's model monitor (azureml-assets, "evaluate metrics
# threshold") tags its own run: `The signal 'NAME' has failed due to …`, where NAME should be
# `{monitor}_{signal}` ("Monitor the performance of models deployed to production").
BREACHED_TAG = "azureml_modelmonitor_threshold_breached"
LONGEST_BREACH = 500
#: By this tag a run of others says which model it is about.
MODEL_TAG = "driftwarden.model"
#: Types of Resource Manager that the templates do not subscribe; who subscribes them is heard.
RESOURCES = (
    "Microsoft.Resources.ResourceWriteSuccess",
    "Microsoft.Resources.ResourceDeleteSuccess",
)
AZURE_ML = "Azure Machine Learning"
#: The statuses in which a run is over.
ENDED = ("Completed", "Failed", "Canceled")


class Foreign(StrEnum):
    """What an event is about that is not in fleet.yaml: it belongs to others, and is no fault."""

    FILE = "file"
    MODEL = "model"
    DEPLOYMENT = "deployment"
    RUN = "run"


#: A partition and its fact; or that an event is about others; or no news.
News = tuple[str, Fact] | Foreign | None


def _behind(endpoint: str, fleet: Fleet) -> str | None:
    endpoints = {name: one.policy.logs.endpoint for name, one in fleet.models.items()}
    return names.behind(endpoint, endpoints)


def watched(model: str, fleet: Fleet) -> str | None:
    """Return the name in fleet.yaml for a name from there or from the registry."""
    if model in fleet.models:
        return model
    return names.behind(model, {name: one.registered_as for name, one in fleet.models.items()})


def registered(found: Event, fleet: Fleet) -> News:
    """Deliver a new version of a watched model, unless a run of ours reports it itself."""
    tags, properties = found.tags("modelTags"), found.tags("modelProperties")
    if registrations.ours(tags):
        return None
    name = watched(found.text("modelname"), fleet)
    if name is None:
        return Foreign.MODEL
    fact = registrations.registered(name, found.text("modelversion"), tags, properties)
    return None if fact is None else (name, replace(fact, at=found.at))


def deployed(found: Event, fleet: Fleet) -> News:
    """Deliver to the model of the endpoint, or else to one of the deployed models."""
    service = found.text("servicename")
    listed = found.fields.get("modelids") or ""
    versions = listed if isinstance(listed, list) else str(listed).split(",")
    said = (watched(str(version).partition(":")[0].strip(), fleet) for version in versions)
    name = next((name for name in (_behind(service, fleet), *said) if name is not None), None)
    noted = Noted(found.type, found.subject or service, found.at)
    return Foreign.DEPLOYMENT if name is None else (name, noted)


def run(found: Event, fleet: Fleet) -> News:
    """Deliver only runs of a watched model: a workspace announces every run."""
    said, odd = _run_names(found)
    for name in said:
        if (model := trained_for(name)) in fleet.models:
            return model, Hinted(name)
    if odd is not None:
        raise odd
    return _breached(found, fleet)


def _run_names(found: Event) -> tuple[list[str], Refused | None]:
    """Return every name that an event gives its run, and what is wrong with one it cannot give."""
    said: list[str] = []
    odd: Refused | None = None
    reads: tuple[Callable[[], str], ...] = (
        lambda: str(found.tags("runTags").get(RUN_TAG)),
        lambda: str(found.tags("runProperties").get(RUN_TAG)),
        lambda: found.text("runid"),
    )
    for read in reads:
        try:
            said.append(read())
        except Refused as error:
            odd = odd or error
    return said, odd


def _breached(found: Event, fleet: Fleet) -> News:
    """Ask for a retraining where a model monitor (v2) named after a watched model tells a breach.

    The monitor has the name of the model, in fleet.yaml or in the registry, or of its endpoint.
    """
    said = " ".join(str(found.tags("runTags").get(BREACHED_TAG) or "").split())
    if not said:
        return _noted(found, fleet)
    monitors = {
        alias.lower(): name
        for name, one in fleet.models.items()
        for alias in (one.policy.logs.endpoint, one.registered_as, name)
    }
    signal = said.lower().removeprefix("the signal ").removeprefix("'")
    fitting = [alias for alias in monitors if signal.startswith(f"{alias}_")]
    if not fitting:
        return _noted(found, fleet)
    why = sound(cut(said, LONGEST_BREACH), f"event {found.id}: data.runTags.{BREACHED_TAG}")
    return monitors[max(fitting, key=len)], Asked("event", found.source, why, found.id)


def _noted(found: Event, fleet: Fleet) -> News:
    """Note the end of a run of others that says which model it is about, as a change around it.

    It says so by a tag, or is of an experiment that has the model's name, in fleet.yaml or in the
    registry, or that of its endpoint. `RunCompleted` has no status.
    """
    status = found.fields.get("runstatus") or "Completed"
    tag, experiment = found.tags("runTags").get(MODEL_TAG), found.fields.get("experimentname")
    named = (str(name) for name in (tag, experiment) if name)
    known = (watched(name, fleet) or _behind(name, fleet) for name in named)
    model = next((name for name in known if name is not None), None)
    if model is None or status not in ENDED:
        return Foreign.RUN
    text = f"run {found.text('runid')} of experiment {experiment or 'unknown'}: {status}"
    what = f"event {found.id}: data"
    return model, changes.change(Change.NOTE, text, AZURE_ML, found.at, None, what)


def resource(found: Event, fleet: Fleet, workspace: str) -> News:
    """Note that a deployment of a model's endpoint was written or deleted in Azure.

    Traffic is not told so: looks at the endpoint find it.
    """
    uri = found.fields.get("resourceuri") or found.subject
    if not isinstance(uri, str) or "/deployments/" not in uri.lower():
        return Foreign.DEPLOYMENT
    concerned = next(Resources(fleet, workspace).concerned(uri), None)
    if concerned is None:
        return Foreign.DEPLOYMENT
    model, words = concerned
    text = f"{words} {'deleted' if 'Delete' in found.type else 'written'}"
    what = f"event {found.id}: data"
    return model, changes.change(Change.DEPLOYMENT, text, "Azure", found.at, None, what)
