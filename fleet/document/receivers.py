"""Where pages can go: one policy for each kind of receiver, told apart by `kind`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from engine.policy import LongText, Policy
from fleet.document.addresses import address_fault


class Delegating(Policy):
    """A receiver behind which a vendor can escalate."""

    delegate: bool = Field(
        False,
        description="If yes, the other side escalates: a page that reached it goes no further in "
        "`page`, unless it cannot be delivered.",
    )


class TerminalReceiver(Policy):
    """Pages as text on standard error; in Azure, as log records."""

    kind: Literal["terminal"] = Field(description="Prints the page; in Azure, logs it.")


class FileReceiver(Policy):
    """Pages as lines of a JSON Lines file."""

    kind: Literal["file"] = Field(description="Appends one JSON line a page.")
    path: LongText = Field(description="The file, relative to the folder of `store`.")


class WebhookReceiver(Delegating):
    """Pages as JSON, posted to an address."""

    kind: Literal["webhook"] = Field(description="Posts one JSON object a page.")
    url: LongText = Field(description="The address; `env:NAME` takes it from a setting.")

    @field_validator("url")
    @classmethod
    def _postable(cls, url: str) -> str:
        if (fault := address_fault(url)) is not None:
            raise ValueError(fault)
        return url


Receiver = Annotated[
    TerminalReceiver | FileReceiver | WebhookReceiver,
    Field(discriminator="kind", description="A receiver of pages and tickets."),
]
