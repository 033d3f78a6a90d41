"""A page as an e-mail; its headers keep an incident in one conversation."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from hosts.receivers import wording
from hosts.receivers.paging import spelled
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Page

#: Characters of a subject, and of all lines unless the server takes fewer.
SUBJECT, LINES = 200, 200_000


@dataclass(frozen=True)
class Letter:
    """An e-mail without its addresses; `headers` are those of its thread and its weight."""

    subject: str
    text: str
    html: str
    headers: dict[str, str]


def letter(page: Page, at: datetime, sender: str, base_url: str, most: int = LINES) -> Letter:
    """Return the e-mail of a page whose lines have at most `most` characters."""
    lines = wording.fitted(tuple(map(wording.plain, page.lines)), most)
    title, link = wording.plain(page.title), wording.link(page, base_url)
    about = f"{page.severity} · {page.event} · {page.incident} · {spelled(at)}"
    text = "\n".join([title, "", *lines, "", about, *([link] if link else [])])
    shown = "".join(f"<div>{html.escape(line) or '&nbsp;'}</div>" for line in lines)
    place = f'<p><a href="{html.escape(link)}">Driftwarden</a></p>' if link else ""
    body = (
        f'<html><body dir="auto"><p><b>{html.escape(title)}</b></p>'
        f'<div style="white-space:pre-wrap">{shown}</div>'
        f"<p>{html.escape(about)}</p>{place}</body></html>"
    )
    subject = wording.fitting(f"[{page.severity}] {title}", SUBJECT)
    return Letter(subject, text, body, _headers(page, at, sender))


def _headers(page: Page, at: datetime, sender: str) -> dict[str, str]:
    """Return headers by which mail programs show an incident as one conversation."""
    domain = sender.rpartition("@")[2]
    root = f"<{_name(page.incident or page.key)}@{domain}>"
    first = page.event is Event.FIRING and page.opened == at
    headers = {
        "Message-ID": root if first else f"<{_name(page.key)}@{domain}>",
        "Auto-Submitted": "auto-generated",
        "Importance": "high" if page.severity is Severity.PAGE else "normal",
    }
    return headers if first else {**headers, "In-Reply-To": root, "References": root}


def _name(text: str) -> str:
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]
