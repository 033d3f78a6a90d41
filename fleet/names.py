"""Raw names: how Azure ML calls an endpoint, a deployment or a model that fleet.yaml names anew.

Resource names of Azure are told apart whatever their case ("Resource naming restrictions",
Microsoft Learn), and services spell one in several ways: so no case counts here either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator

from engine.policy import ShortText

RAW = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")


def check_raw(name: str) -> str:
    """Return a name that Azure ML may have given; ValueError where it is none.

    >>> check_raw("sklearn_regression_model")
    'sklearn_regression_model'
    """
    if RAW.fullmatch(name) is None:
        raise ValueError(f"{name!r}: use letters, digits, '.', '_' and '-', at most 255 characters")
    return name


RawName = Annotated[ShortText, AfterValidator(check_raw)]


def same(one: str, other: str) -> bool:
    """Tell whether two spellings name one resource.

    >>> same("Raw_Name", "raw_name")
    True
    """
    return one.casefold() == other.casefold()


def repeated(names: Iterable[str]) -> str | None:
    """Return a name that stands twice, whatever its case; None where each stands once."""
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            return name
        seen.add(name.casefold())
    return None


def held_by(deployment: str, versions: Mapping[str, str]) -> str:
    """Return the version of a deployment as a router told it; a name that it left out is a version.

    Azure's tools tell of deployments in lower case.

    >>> held_by("Blue", {"blue": "7"}), held_by("v1", {})
    ('7', 'v1')
    """
    return versions.get(deployment) or versions.get(deployment.lower(), deployment)


def behind(raw: str, names: Mapping[str, str]) -> str | None:
    """Return the key whose raw name this is; None where it is nobody's."""
    return next((key for key, name in names.items() if same(name, raw)), None)
