"""What stands in for the host's messages: the runtime only makes them and reads their fields.

The names and fields are those of FunctionRpc.proto (azure-functions-language-worker-protobuf);
enumerations carry its numbers.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any


class OneOf(SimpleNamespace):
    """A message of which exactly one field is set, as TypedData is."""

    def WhichOneof(self, group: str) -> str | None:  # noqa: N802
        """The name of the field that is set."""
        del group
        return next(iter(vars(self)), None)


class Binding(SimpleNamespace):
    """BindingInfo."""

    undefined = 0
    out = 1
    inout = 2


class Status(SimpleNamespace):
    """StatusResult."""

    Failure = 0
    Success = 1


class Protos:
    """The messages by name; those that have no rule of their own keep what they are given."""

    BindingInfo = Binding
    StatusResult = Status
    TypedData = OneOf

    def __getattr__(self, name: str) -> type[SimpleNamespace]:
        return type(name, (SimpleNamespace,), {})


def as_json(value: object) -> OneOf:
    """A TypedData that carries JSON."""
    return OneOf(json=json.dumps(value))


def http(method: str, path: str, body: bytes = b"", **params: str) -> OneOf:
    """A TypedData that carries a request; `params` are those of the route."""
    fields = {
        "method": method,
        "url": f"http://127.0.0.1{path}",
        "headers": {},
        "params": params,
        "query": {},
        "body": OneOf(bytes=body),
    }
    return OneOf(http=SimpleNamespace(**fields))


def request(**parts: Any) -> SimpleNamespace:
    """A StreamingMessage as the worker hands it to the runtime."""
    return SimpleNamespace(
        request=SimpleNamespace(**parts),
        properties={"host": "127.0.0.1", "protos": Protos()},
    )


def invocation(function_id: str, name: str, data: OneOf, **metadata: OneOf) -> SimpleNamespace:
    """An InvocationRequest with one input: what triggered it."""
    parameter = OneOf(data=data)
    vars(parameter)["name"] = name
    none = SimpleNamespace(trace_parent="", trace_state="", attributes={})
    retry = SimpleNamespace(retry_count=0, max_retry_count=0, exception=None)
    asked = SimpleNamespace(
        invocation_id="an-invocation",
        function_id=function_id,
        input_data=[parameter],
        trigger_metadata=metadata,
        trace_context=none,
        retry_context=retry,
    )
    return request(invocation_request=asked)
