"""Pages in a channel of Slack: by a bot's token one message an incident, else one message a page.

Source: Slack, "Reference: blocks", "chat.postMessage", "chat.update", "conversations.history",
"Rate limits". That all blocks together may have about 13,200 characters is not documented.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from engine.errors import Refused
from fleet.document.receivers import SlackReceiver
from hosts.receivers import failures, posting, wording
from hosts.receivers.failures import Failure
from hosts.receivers.http import Answer
from hosts.receivers.paging import Receipt, Surroundings
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Page

API = "https://slack.com/api"
#: Characters of a header, of a section, and of all lines; the latter as JSON has them.
HEADER, SECTION, LINES = 150, 2800, 9000
#: The mark by which a message is found again.
MARK = "driftwarden_incident"
#: How long before its incident a message cannot have been posted; clocks differ.
SKEW = timedelta(minutes=2)
#: Errors in an answer that says 200: whose they are. Any other is the message's.
ERRORS: Mapping[str, Failure] = {
    **dict.fromkeys(
        (
            "not_authed",
            "invalid_auth",
            "account_inactive",
            "token_revoked",
            "token_expired",
            "no_permission",
            "missing_scope",
            "ekm_access_denied",
            "access_denied",
            "team_access_not_granted",
            "org_login_required",
            "not_allowed_token_type",
        ),
        Failure.AUTH,
    ),
    **dict.fromkeys(("ratelimited", "rate_limited", "message_limit_exceeded"), Failure.RATE),
    **dict.fromkeys(
        ("internal_error", "fatal_error", "service_unavailable", "request_timeout"),
        Failure.SERVER,
    ),
}
#: Events that concern the message of an incident.
OF_INCIDENT = (
    Event.FIRING,
    Event.REMINDER,
    Event.ESCALATED,
    Event.ACKNOWLEDGED,
    Event.RESOLVED,
    Event.TEST,
)


class GoneError(Exception):
    """A message that is to be changed is not there any more: somebody deleted it."""


class SlackWebhook:
    """A new message for each page: an incoming webhook tells no `ts` to change it by."""

    def __init__(self, url: str, base_url: str) -> None:
        self._url, self._base_url = url, base_url

    def send(self, page: Page, at: datetime) -> Receipt:
        """See `hosts.receivers.paging.Channel`."""
        del at
        body = message(page, self._base_url)
        return posting.receipt(posting.post(page.receiver, self._url, body))


class SlackBot:
    """One message an incident, changed in place; what follows is told in its thread."""

    def __init__(self, api: str, token: str, channel: str, base_url: str) -> None:
        self._api, self._channel, self._base_url = api.rstrip("/"), channel, base_url
        self._headers = {"Authorization": f"Bearer {token}"}

    def send(self, page: Page, at: datetime) -> Receipt:
        """See `hosts.receivers.paging.Channel`."""
        if page.event not in OF_INCIDENT:
            return self._post(page)
        if page.handle:
            return self._follow(page, page.handle)
        known, key = self._found(page, page.opened or at)
        if key == page.key:
            return Receipt("posted before", known)
        return self._follow(page, known) if known else self._post(page)

    def _post(self, page: Page) -> Receipt:
        answer = self._call(page.receiver, "chat.postMessage", self._marked(page))
        return posting.receipt(answer, str(_read(answer).get("ts", "")))

    def _marked(self, page: Page) -> dict[str, object]:
        payload = {"incident": page.incident, "key": page.key}
        metadata = {"event_type": MARK, "event_payload": payload}
        told = message(page, self._base_url)
        return {**told, "channel": self._channel, "metadata": metadata}

    def _follow(self, page: Page, ts: str) -> Receipt:
        """Change an incident's message, and tell its thread; new alerts are shown outside, too."""
        told = self._marked(page)
        try:
            self._call(page.receiver, "chat.update", {**told, "ts": ts})
        except GoneError:
            return self._post(page)
        del told["metadata"]
        reply = {**told, "thread_ts": ts, "reply_broadcast": page.event is Event.FIRING}
        return posting.receipt(self._call(page.receiver, "chat.postMessage", reply), ts)

    def _found(self, page: Page, since: datetime) -> tuple[str, str]:
        """Return the incident's message where it was posted already, and the key of its page.

        A worker may have died between the post and the commit that remembers it.
        """
        asked = {
            "channel": self._channel,
            "oldest": f"{(since - SKEW).timestamp():.6f}",
            "limit": 200,
            "include_all_metadata": True,
        }
        try:
            answer = self._call(page.receiver, "conversations.history", asked)
        except Refused:
            # Without the scope to read, it is posted anew.
            return "", ""
        for one in _list(_read(answer).get("messages")):
            meta = _mapping(_mapping(one).get("metadata"))
            payload = _mapping(meta.get("event_payload"))
            if meta.get("event_type") == MARK and payload.get("incident") == page.incident:
                return str(_mapping(one).get("ts", "")), str(payload.get("key", ""))
        return "", ""

    def _call(self, receiver: str, method: str, body: Mapping[str, object]) -> Answer:
        answer = posting.post(receiver, f"{self._api}/{method}", body, self._headers)
        found = _read(answer)
        if found.get("ok") is True:
            return answer
        raise _error(receiver, method, answer, str(found.get("error", "")))


def _error(receiver: str, method: str, answer: Answer, said: str) -> Exception:
    if method == "chat.update" and said in ("message_not_found", "cant_update_message"):
        return GoneError(said)
    if not said:
        return failures.raised(receiver, f"{method}: no answer of Slack", Failure.SERVER)
    # One of Slack's words, and nothing else of what came.
    word = said[:60] if said.isascii() and said.replace("_", "").isalnum() else "error"
    kind = ERRORS.get(said, Failure.CLIENT)
    delay = failures.retry_after(answer.headers)
    return failures.raised(receiver, f"{method}: {word}", kind, delay)


def _read(answer: Answer) -> dict[str, object]:
    try:
        found = json.loads(answer.text)
    except (ValueError, RecursionError):
        return {}
    return _mapping(found)


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def message(page: Page, base_url: str) -> dict[str, object]:
    """Return the text and the blocks of a page; only the link is more than plain text."""
    title = wording.plain(page.title)
    lines = wording.fitted(
        tuple(map(wording.plain, page.lines)), LINES, measure=lambda line: posting.size(line) + 2
    )
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": _text(wording.fitting(title, HEADER))}
    ]
    blocks += [{"type": "section", "text": _text(part)} for part in _sections(lines)]
    link = wording.link(page, base_url)
    about = [{"type": "mrkdwn", "text": f"<{link}|Driftwarden>"}] if link else []
    note = _text(wording.fitting(f"{page.severity} · {page.event} · {page.incident}", 500))
    blocks.append({"type": "context", "elements": [note, *about]})
    loud = page.severity is Severity.PAGE and page.event is not Event.RESOLVED
    mark = "[page] " if loud else ""
    return {"text": mark + wording.fitting(title, 1000, escaped), "blocks": blocks}


def escaped(text: str) -> str:
    """Escape what Slack reads as a link, a mention or an entity.

    >>> escaped("a<b & <!channel>")
    'a&lt;b &amp; &lt;!channel&gt;'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text or " ", "emoji": False}


def _sections(lines: tuple[str, ...]) -> list[str]:
    """Return the lines in sections of the length that Slack takes."""
    found: list[str] = []
    for line in lines:
        for part in (line[at : at + SECTION] for at in range(0, max(len(line), 1), SECTION)):
            if found and len(found[-1]) + len(part) < SECTION:
                found[-1] += f"\n{part}"
            else:
                found.append(part)
    return found


def open_slack(name: str, policy: SlackReceiver, around: Surroundings) -> SlackBot | SlackWebhook:
    """Open a channel by a bot's token, or an incoming webhook."""
    url = posting.address(name, policy.url or API, around)
    if policy.token is None:
        return SlackWebhook(url, around.base_url)
    token = posting.secret(name, policy.token, around)
    if not token.isascii() or not token.isprintable():
        raise Refused(f"receivers.{name}.token: a token is printable ASCII")
    return SlackBot(url, token, policy.channel or "", around.base_url)
