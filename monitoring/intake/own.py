"""The marks of Driftwarden's own requests, which score beside the live traffic."""

from __future__ import annotations

from uuid import UUID

#: Azure Machine Learning cuts `x-ms-client-request-id` to 40 characters of [A-Za-z0-9_-].
LONGEST = 40
CLIENT = "driftwarden-"
#: `x-request-id` is kept only where it is a GUID. These are 48 bits, "driftw" in ASCII, and
#: the version of a random GUID: one in 2^48 of others begins so.
GUID = "64726966-7477-4"
#: What the ids of own requests begin with, in every log.
MARKS = (CLIENT, GUID)


def own_ids(fresh: UUID) -> tuple[str, str]:
    """Return the client's id and the request's id of an own request, from a random GUID.

    >>> client, request = own_ids(UUID("01234567-0000-4000-8000-0123456789ab"))
    >>> client, request.startswith(GUID)
    ('driftwarden-0123456700004000800001234567', True)
    """
    return f"{CLIENT}{fresh.hex}"[:LONGEST], GUID + str(fresh)[len(GUID) :]


def is_own(said: object) -> bool:
    """Tell whether an id in a log is one of an own request."""
    return isinstance(said, str) and said.startswith(MARKS)
