"""What the tags of a registered version say: whose it is, and whether its shadow is waived."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fleet.envelope import sound
from fleet.model.facts import Registered
from retrain.registry import check_version

TRAINING = re.compile(r"(.+)-run-[0-9]+(?:-[0-9]+)?")
RUN_TAG = "driftwarden.run"
JOB_TAG = "driftwarden.job"
WAIVED_TAG = "driftwarden.shadow_waived_by"
REASON_TAG = "driftwarden.reason"


def ours(tags: Mapping[str, object]) -> bool:
    """Whether a run of our own set the tags."""
    return bool(tags.get(RUN_TAG) or tags.get(JOB_TAG))


def registered(
    model: str, version: str, tags: Mapping[str, object], properties: Mapping[str, object]
) -> Registered | None:
    """Return the registration of a version; None of a run of our own, which reports it itself.

    `tags` have lower-case names.

    Raises
    ------
    Refused
        The version's name or a tag is malformed.
    """
    if ours(tags):
        return None
    check_version(version)
    if any(trained_for(str(said)) == model for said in (version, *properties.values())):
        return None  # a job that sets no tags
    waived, why = (sound(str(tags.get(key) or ""), key) for key in (WAIVED_TAG, REASON_TAG))
    return Registered(version, waived_by=waived or None, reason=why)


def trained_for(name: str) -> str:
    """Return the model that a training, or one of its attempts, has this name for; or nothing.

    >>> trained_for("demand-run-3-2")
    'demand'
    """
    match = TRAINING.fullmatch(name)
    return match[1] if match is not None else ""
