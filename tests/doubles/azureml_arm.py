"""What every resource of Azure Resource Manager has in common: checks, envelopes, slow operations.

Sources: "Track asynchronous Azure operations" and "Resource Manager template structure" (Microsoft
Learn); azure-rest-api-specs, machinelearningservices, `mfe.json` and `workspaceRP.json`; and
`azure/ai/ml/_restclient/arm_ml_service` of azure-ai-ml 1.35, generated from them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.doubles.loopback import BadRequest, Response

Document = dict[str, Any]


def refuse(message: str, status: int = 400, code: str = "UserError") -> BadRequest:
    """Return what Azure Machine Learning answers to a caller's mistake."""
    return BadRequest(code, message, status)


def absent(kind: str, name: str) -> BadRequest:
    """Return what is answered where nothing has that name."""
    return refuse(f"{kind} {name} was not found.", 404, "ResourceNotFound")


def look(document: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path, None where there is none."""
    found: Any = document
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def need(document: Any, *paths: str) -> None:
    """Refuse a document that lacks one of the required fields."""
    if not isinstance(document, dict):
        raise refuse("The request body must be an object.", code="InvalidRequestContent")
    for path in paths:
        if look(document, path) in (None, ""):
            # Tracked resources lie somewhere: Resource Manager itself asks for it.
            code = "LocationRequired" if path == "location" else "ValidationError"
            raise refuse(f"The {path} field is required.", code=code)


def texts(document: Mapping[str, Any], *paths: str) -> None:
    """Refuse tags and properties that are not maps of strings."""
    for path in paths:
        found = look(document, path)
        if found is None:
            continue
        if not isinstance(found, dict) or any(not isinstance(v, str) for v in found.values()):
            raise refuse(f"{path}: a map of strings is expected.", code="ValidationError")


@dataclass
class Operation:
    """One asynchronous operation: done after some looks at it, or never."""

    id: str
    remaining: int | None
    finish: Callable[[], None]
    status: str = "InProgress"
    error: Document | None = None

    def looked(self) -> None:
        """Count one look; None remaining: it never finishes by itself."""
        if self.status != "InProgress" or self.remaining is None:
            return
        if self.remaining > 0:
            self.remaining -= 1
            return
        self.done()

    def done(self) -> None:
        """Carry it out."""
        self.status = "Succeeded" if self.error is None else "Failed"
        if self.error is None:
            self.finish()

    def document(self) -> Document:
        """Return what its status address answers."""
        body: Document = {"id": self.id, "name": self.id, "status": self.status}
        return body | ({"error": self.error} if self.error else {})


def merged(before: Document | None, after: Document) -> Document:
    """Return `after` with the server's own fields of `before` kept."""
    kept = {k: v for k, v in (before or {}).items() if k in ("systemData", "id", "name", "type")}
    return kept | copy.deepcopy(after)


def listing(documents: list[Document]) -> Response:
    """Return a list in one page."""
    return Response(200, {"value": documents})
