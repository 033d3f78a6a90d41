"""Slack's Web API with a bot's token, and its incoming webhooks."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.hosts.receivers.vendors.server import Answer, Rejected, Request, Vendor, need

TOKEN, CHANNEL = "xoxb-secret", "C0123456789"


class Slack(Vendor):
    """Messages by their ts; answers of the API say 200, and what went wrong in the body."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, dict[str, Any]] = {}
        self.threads: dict[str, list[dict[str, Any]]] = {}
        self.readable = True

    def handle(self, request: Request) -> Answer:
        body = json.loads(request.body)
        if request.path.startswith("/services/"):
            self._blocks(body)
            self._keep(body)
            return Answer(200, "ok")
        try:
            return Answer(200, json.dumps({"ok": True, **self._api(request, body)}))
        except Rejected as error:
            return Answer(200, json.dumps({"ok": False, "error": str(error)}))

    def _api(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        need(request.headers.get("authorization") == f"Bearer {TOKEN}", "invalid_auth")
        need(body.get("channel") == CHANNEL, "channel_not_found")
        match request.path:
            case "/chat.postMessage":
                self._blocks(body)
                return {"ts": self._keep(body), "channel": CHANNEL}
            case "/chat.update":
                self._blocks(body)
                need(body["ts"] in self.messages, "message_not_found")
                self.messages[body["ts"]] |= body
                return {"ts": body["ts"], "channel": CHANNEL, "text": body["text"]}
            case "/conversations.history":
                need(self.readable, "missing_scope")
                found = [
                    {"ts": ts, "text": one["text"], "metadata": one.get("metadata")}
                    for ts, one in reversed(self.messages.items())
                ]
                return {"messages": found[: body["limit"]], "has_more": False}
        raise Rejected(200, "unknown_method")

    def _keep(self, body: dict[str, Any]) -> str:
        if thread := body.get("thread_ts"):
            need(thread in self.messages, "thread_not_found")
            self.threads.setdefault(thread, []).append(body)
            return f"{thread}.{len(self.threads[thread])}"
        ts = f"1700000000.{len(self.messages):06}"
        self.messages[ts] = dict(body)
        return ts

    def _blocks(self, body: dict[str, Any]) -> None:
        blocks = body["blocks"]
        need(body.get("text"), "no_text")
        need(len(blocks) <= 50, "invalid_blocks")
        most = {"header": 150, "section": 3000}
        for block in blocks:
            for text in [block["text"]] if "text" in block else block["elements"]:
                need(0 < len(text["text"]) <= most.get(block["type"], 3000), "invalid_blocks")
        need(len(json.dumps(blocks, ensure_ascii=False)) <= 13_200, "msg_blocks_too_long")

    def incidents(self) -> list[tuple[str, ...]]:
        """Each message with what its thread says, by the events in their context."""
        return [
            (event(one), *map(event, self.threads.get(ts, ()))) for ts, one in self.messages.items()
        ]

    def text(self) -> str:
        found = list(self.messages.values()) + [o for t in self.threads.values() for o in t]
        return "\n".join(shown(one) for one in found)


def event(message: dict[str, Any]) -> str:
    """The event in the context of a message."""
    note: str = message["blocks"][-1]["elements"][0]["text"]
    return note.split(" · ")[1]


def shown(message: dict[str, Any]) -> str:
    """The text of a message as people read it: entities and marks of mrkdwn are gone."""
    texts = [
        text
        for block in message["blocks"]
        for text in ([block["text"]] if "text" in block else block["elements"])
    ]
    for text in texts:
        if text["type"] == "mrkdwn":
            assert "<!" not in text["text"]
    return "\n".join(one["text"] for one in texts if one["type"] == "plain_text")
