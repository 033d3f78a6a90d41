"""The workspace's models as the registry of versions: their stage and lineage are tags."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from engine.errors import Refused, Unavailable
from fleet.ports import ListedVersion
from hosts.azure.ml.arm_errors import Absent, translated
from hosts.azure.ml.workspace import Workspace
from retrain.ports import ModelCard
from retrain.registry import Stage, check_name, move

if TYPE_CHECKING:
    from azure.ai.ml.entities import Model

READ, WRITE = "models/versions/read", "models/versions/write"

#: The properties or tags that a training sets on the version that it registers.
FEATURES = "driftwarden.features"
TRAINING_FROM = "driftwarden.training_from"
TRAINING_TO = "driftwarden.training_to"
METRICS = "driftwarden.metrics"
IMPORTANCE = "driftwarden.importance"
CARD = (FEATURES, TRAINING_FROM, TRAINING_TO, METRICS, IMPORTANCE)

#: The age of a version without a date: it is never news.
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)

#: Where the stage is kept. Azure's own `stage` is lost when a version is archived there, and on
#: versions with a deployment template (`Model._to_rest_object` of azure-ai-ml): it is for display
#: only.
STAGE = "driftwarden.stage"
SHOWN = {
    Stage.candidate: "Development",
    Stage.staging: "Development",
    Stage.production: "Production",
    Stage.archived: "Archived",
}


class AzureRegistry:
    """Implements `Registry` and `Arrivals`; `name_of` returns a model's name in the workspace.

    The service documents no order of a list, so that each is read to its end.
    """

    def __init__(
        self, workspace: Workspace, name_of: Callable[[str], str] = lambda model: model
    ) -> None:
        self._workspace = workspace
        self._name_of = name_of

    def card(self, model: str, version: str) -> ModelCard:
        """The card of one version; Refused when there is none."""
        return _card(model, version, self._get(model, version))

    def tag(self, model: str, version: str, tags: dict[str, str], stage: Stage) -> None:
        """Add `tags` to the version and put it into `stage`; repeating changes nothing.

        The service has no conditional write here: the tags are read back, and Unavailable is raised
        where somebody else wrote in between.
        """
        found = self._get(model, version)
        before = dict(found.tags or {})
        after = before | tags | {STAGE: move(_stage(before), stage).value}
        if after == before:
            return
        found.tags, found.stage = after, SHOWN[stage]
        with translated(f"model {model} {version}: tag", WRITE):
            self._workspace.client.models.create_or_update(found)
        if dict(self._get(model, version).tags or {}) != after:
            reason = f"model {model} {version}: its tags were changed by somebody else meanwhile"
            raise Unavailable(reason, timedelta(seconds=5))

    def versions(self, model: str) -> tuple[str, ...]:
        """All versions of the model, oldest first; those archived in the workspace, too."""
        return tuple(str(one.version) for one in sorted(self._list(model, "All"), key=_age))

    def newest(self, model: str) -> datetime | None:
        """See `fleet.ports.Arrivals`."""
        return max((_age(one)[0] for one in self._list(model, "All")), default=None)

    def since(self, model: str, after: datetime) -> tuple[ListedVersion, ...]:
        """See `fleet.ports.Arrivals`."""
        found = sorted(self._list(model, "ActiveOnly"), key=_age)
        return tuple(_listed(one) for one in found if _age(one)[0] > after)

    def _list(self, model: str, view: Literal["All", "ActiveOnly"]) -> list[Model]:
        from azure.ai.ml.constants import ListViewType

        try:
            with translated(f"model {model}: list", READ):
                name = self._name_of(check_name(model))
                models = self._workspace.client.models
                return list(models.list(name, list_view_type=ListViewType(view)))
        except Absent:
            return []

    def _get(self, model: str, version: str) -> Model:
        try:
            with translated(f"model {model} {version}: read", READ):
                name = self._name_of(check_name(model))
                found: Model = self._workspace.client.models.get(name, version)
                return found
        except Absent:
            raise Refused(f"{model} {version}: not in the registry") from None


def _age(model: Model) -> tuple[datetime, str]:
    created = getattr(model.creation_context, "created_at", None)
    return created.astimezone(UTC) if created else OLDEST, str(model.version)


def _listed(model: Model) -> ListedVersion:
    return ListedVersion(
        str(model.version), _age(model)[0], dict(model.tags or {}), dict(model.properties or {})
    )


def _stage(tags: dict[str, str]) -> Stage:
    said = tags.get(STAGE, Stage.candidate.value)
    if said not in Stage.__members__:
        raise Refused(f"tag {STAGE}: {said!r} is none of {', '.join(Stage)}")
    return Stage(said)


def _card(model: str, version: str, found: Model) -> ModelCard:
    tags = dict(found.tags or {})
    # Properties are immutable, so that they take precedence.
    said = tags | dict(found.properties or {})
    where = f"model {model} {version}"
    features = _json(where, FEATURES, said.get(FEATURES, "[]"), list)
    return ModelCard(
        name=model,
        version=version,
        features=tuple(str(feature) for feature in features),
        training_from=said.get(TRAINING_FROM),
        training_to=said.get(TRAINING_TO),
        metrics=_numbers(where, METRICS, said),
        importance=_numbers(where, IMPORTANCE, said),
        tags={name: value for name, value in tags.items() if name not in (*CARD, STAGE)},
        stage=_stage(tags),
    )


def _json(where: str, name: str, text: str, kind: type) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, kind):
        raise Refused(f"{where}: {name} must be a JSON {kind.__name__}, not {text[:60]!r}")
    return found


def _numbers(where: str, kind: str, said: dict[str, str]) -> dict[str, float]:
    found = _json(where, kind, said.get(kind, "{}"), dict)
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Refused(f"{where}: {kind}: {name} is not a number")
    return {str(name): float(value) for name, value in found.items()}
