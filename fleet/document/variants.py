"""Unions of policies in fleet.yaml: their field `kind` says which of them is meant."""

from __future__ import annotations

import types
from typing import Annotated, Union, get_args, get_origin

from engine.policy import Policy


def variants(shape: object) -> dict[str, type[Policy]]:
    """Return the policies of a union by their kind, in its order; empty for any other type.

    >>> from fleet.document.receivers import FileReceiver, WebhookReceiver
    >>> list(variants(Annotated[FileReceiver | WebhookReceiver, "with a field description"]))
    ['file', 'webhook']
    >>> variants(FileReceiver | None)
    {}
    """
    if get_origin(shape) is Annotated:
        return variants(get_args(shape)[0])
    if get_origin(shape) not in (Union, types.UnionType):
        return {}
    members = [one for one in get_args(shape) if one is not type(None)]
    if len(members) == 1:
        return variants(members[0])
    if not all("kind" in getattr(one, "model_fields", ()) for one in members):
        return {}
    return {kind: one for one in members for kind in get_args(one.model_fields["kind"].annotation)}
