"""Pages as adaptive cards, posted to a workflow of Microsoft Teams.

Source: Microsoft Learn, "Create incoming webhooks with Workflows", "Format cards"; a message may
have 28 KB, counted as Teams encodes it again. Old connectors answer 200 to what they refuse.
"""

from __future__ import annotations

import json
import re
from datetime import datetime

from fleet.document.receivers import TeamsReceiver
from hosts.receivers import failures, posting, wording
from hosts.receivers.paging import Receipt, Surroundings
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Page

#: Octets of a message as Teams encodes it, of its title and of its lines.
MOST, TITLE, LINES = 24_000, 2_000, 18_000
#: An error in an answer that says 200.
ERROR = re.compile(r"HTTP error (\d{3})", re.IGNORECASE)
#: Characters that a cautious encoder of JSON escapes, too.
ESCAPED = "<>&'+`"


class Teams:
    """A card for each page: a workflow cannot change a card that it posted."""

    def __init__(self, url: str, base_url: str) -> None:
        self._url, self._base_url = url, base_url

    def send(self, page: Page, at: datetime) -> Receipt:
        """See `hosts.receivers.paging.Channel`."""
        del at
        answer = posting.post(page.receiver, self._url, card(page, self._base_url))
        if (found := ERROR.search(answer.text)) is not None:
            status = int(found[1])
            kind, delay = failures.failure(status), failures.retry_after(answer.headers)
            raise failures.raised(page.receiver, f"HTTP error {status} in HTTP 200", kind, delay)
        return posting.receipt(answer)


def open_teams(name: str, policy: TeamsReceiver, around: Surroundings) -> Teams:
    """Open a workflow by its address."""
    return Teams(posting.address(name, policy.url, around), around.base_url)


def encoded_size(text: str) -> int:
    """Return the octets of a text in JSON that escapes all that an encoder may escape.

    >>> encoded_size("a"), encoded_size("<b>"), encoded_size("é")
    (1, 13, 6)
    """
    return len(json.dumps(text)) - 2 + 5 * sum(map(text.count, ESCAPED))


def card(page: Page, base_url: str) -> dict[str, object]:
    """Return a message with one card. Its text is in runs, which know no Markdown."""
    lines = wording.fitted(
        tuple(map(wording.plain, page.lines)),
        LINES,
        measure=lambda line: encoded_size(line) + 80,
    )
    title = wording.fitting(wording.plain(page.title), TITLE, measure=encoded_size)
    about = wording.fitting(
        f"{page.severity} · {page.event} · {page.incident}", 600, measure=encoded_size
    )
    body = [
        _block({"text": title, "weight": "Bolder", "size": "Medium", "color": _colour(page)}),
        _block({"text": about, "isSubtle": True}),
        *(_block({"text": line}) for line in lines if line),
    ]
    content: dict[str, object] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "msteams": {"width": "Full"},
    }
    if link := wording.link(page, base_url):
        content["actions"] = [{"type": "Action.OpenUrl", "title": "Driftwarden", "url": link}]
    kind = "application/vnd.microsoft.card.adaptive"
    attachment = {"contentType": kind, "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def _block(run: dict[str, object]) -> dict[str, object]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", **run}]}


def _colour(page: Page) -> str:
    if page.event is Event.RESOLVED:
        return "Good"
    return "Attention" if page.severity is Severity.PAGE else "Warning"
