"""A workflow of Microsoft Teams, and an old connector."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.hosts.receivers.vendors.server import Answer, Request, Vendor, need

ELEMENTS = ("TextBlock", "RichTextBlock", "Container", "ColumnSet", "FactSet", "Image", "Table")


def encoded_again(body: object) -> int:
    """The octets of a body as Teams counts them: everything that may be escaped is."""
    text = json.dumps(body)
    return len(text) + 5 * sum(text.count(mark) for mark in "<>&'+`")


class Teams(Vendor):
    """Takes cards; one that is too large is accepted, and dropped by the flow."""

    def __init__(self, connector: bool = False) -> None:
        super().__init__()
        self.connector = connector
        self.cards: list[dict[str, Any]] = []
        self.dropped = 0

    def handle(self, request: Request) -> Answer:
        body = json.loads(request.body)
        if encoded_again(body) > 28 * 1024:
            self.dropped += 1
            said = "Webhook message delivery failed with error: Microsoft Teams endpoint returned "
            return Answer(200, f"{said}HTTP error 413") if self.connector else Answer(202)
        need(body.get("type") == "message", "not a message")
        (attachment,) = body["attachments"]
        kind = "application/vnd.microsoft.card.adaptive"
        need(attachment["contentType"] == kind, "not a card")
        card = attachment["content"]
        need(card["type"] == "AdaptiveCard", "not a card")
        need(card["version"] in ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5"), "version")
        need(all(one["type"] in ELEMENTS for one in card["body"]), "unknown element")
        for action in card.get("actions", ()):
            need(action["type"] == "Action.OpenUrl", "an action that webhooks do not take")
        self.cards.append(card)
        return Answer(202)

    def incidents(self) -> list[tuple[str, ...]]:
        """The cards by the incident that they name."""
        found: dict[str, list[str]] = {}
        for card in self.cards:
            _, event, incident = _runs(card)[1].split(" · ")
            if event not in found.setdefault(incident, [])[-1:]:
                found[incident].append(event)
        return [tuple(one) for one in found.values()]

    def text(self) -> str:
        return "\n".join(line for card in self.cards for line in _runs(card))


def _runs(card: dict[str, Any]) -> list[str]:
    """The texts of a card: a TextRun knows no Markdown, a TextBlock would."""
    assert all(one["type"] == "RichTextBlock" for one in card["body"])
    return ["".join(run["text"] for run in one["inlines"]) for one in card["body"]]
