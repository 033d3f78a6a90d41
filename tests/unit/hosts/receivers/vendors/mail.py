"""What a mail program makes of messages: threads, and the text that is shown."""

from __future__ import annotations

import email
import html
import re
from email import policy
from email.message import EmailMessage


def threads(messages: list[EmailMessage]) -> dict[str, list[str]]:
    """Subjects by conversation; a repeat of a Message-ID is one message."""
    found: dict[str, dict[str, str]] = {}
    for one in messages:
        name = str(one["Message-ID"]).strip()
        root = str(one["References"] or name).strip()
        found.setdefault(root, {})[name] = str(one["Subject"])
    return {root: list(known.values()) for root, known in found.items()}


def parsed(content: bytes) -> EmailMessage:
    """Read a message, and check that every line of it can be carried anywhere."""
    for line in content.split(b"\r\n"):
        assert len(line) <= 998
        assert line.isascii()
        assert b"\n" not in line
        for word in re.findall(rb"=\?[^?]*\?[^?]*\?[^?]*\?=", line):
            assert len(word) <= 75
    found = email.message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def shown(message: EmailMessage) -> str:
    """The text of a message; its HTML says the same."""
    plain = message.get_body(("plain",)).get_content()
    rich = message.get_body(("html",)).get_content()
    bare = html.unescape(re.sub(r"<[^>]*>", "", rich))
    for line in plain.splitlines()[2:5]:
        assert line in bare
    return f"{message['Subject']}\n{plain}"
