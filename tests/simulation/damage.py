"""Damage to documents: odd values in JSON, wrong bytes, lines as a person or a tool misspells them.

Every change follows from the given source of chance alone.
"""

from __future__ import annotations

import copy
import json
import random
from typing import Any

Json = Any
TEXTS = (
    "", " ", "x", "x" * 3_000, "\ud800", "\x00", "a\nb", "../../etc/passwd", "/etc/passwd",
    "NaN", "Infinity", "-0", "1e999", "true", "null", "9999-12-31T23:59:59.999999+14:00",
    "0001-01-01T00:00:00Z", "2024-02-30", "2024-03-04T25:00:00Z", "2024-03-04 10:00", "1709546400",
    "\u202e\u2066abc", "\U0001f600", "<script>alert(1)</script>", "{{7*7}}", "${x}", "=cmd|' '!A0",
    "demand", "fraud", "v1", "model_inputs", "Driftwarden.RetrainRequested", "halted:demand",
)  # fmt: skip
NUMBERS = (
    0, -0.0, -1, 1, 0.5, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400, 1e308, 5e-324,
    float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
REST: tuple[Json, ...] = (None, True, False, [], {}, [[]], {"a": {}}, [1, "a", None], {"": ""})


def odd(chance: random.Random) -> Json:
    """Return one odd value."""
    kind = chance.randrange(8)
    if kind == 0:
        nested: Json = 1
        for _ in range(chance.choice((3, 50, 3_000))):
            nested = [nested] if chance.random() < 0.5 else {"a": nested}
        return nested
    return copy.deepcopy(chance.choice((TEXTS, NUMBERS, REST)[kind % 3]))


def damaged(document: Json, chance: random.Random) -> Json:
    """Return a JSON document with one to three places changed."""
    found = copy.deepcopy(document)
    for _ in range(chance.randint(1, 3)):
        parent, key = _place(found, chance)
        if parent is None:
            return odd(chance)
        action = chance.randrange(5)
        if action == 0:
            del parent[key]
        elif action == 1 and isinstance(parent, dict):
            parent[chance.choice((key.upper(), key[:-1], f"{key} ", "", "\ud800"))] = parent[key]
        elif action == 2 and isinstance(parent, list):
            parent.extend([parent[key]] * chance.choice((1, 30)))
        else:
            parent[key] = odd(chance)
    return found


def _place(found: Json, chance: random.Random) -> tuple[Any, Any]:
    """Return a container and one of its keys, any as deep as another; (None, None) where none."""
    places: list[tuple[Any, Any]] = []
    stack = [found]
    while stack:
        one = stack.pop()
        keys = list(one) if isinstance(one, dict) else list(range(len(one))) if one else []
        places += [(one, key) for key in keys]
        stack += [one[key] for key in keys if isinstance(one[key], dict | list)]
        if len(places) > 200:
            break
    return chance.choice(places) if places else (None, None)


def written(document: Json, chance: random.Random) -> bytes:
    """Write a document as JSON, in one of four with bytes that are wrong, too."""
    try:
        text = json.dumps(document, ensure_ascii=chance.random() < 0.5)
    except RecursionError:
        text = "[" * 100_000
    content = bytearray(text.encode("utf-8", "surrogatepass"))
    if chance.random() < 0.25:
        spoil(content, chance)
    return bytes(content)


def spoil(content: bytearray, chance: random.Random) -> None:
    """Change some bytes: flip, cut, drop, double, or fill with what separates things."""
    for _ in range(chance.randint(1, 3)):
        if not content:
            return
        at, size = chance.randrange(len(content)), chance.randint(1, 40)
        match chance.randrange(5):
            case 0:
                content[at] ^= 1 << chance.randrange(8)
            case 1:
                del content[at:]
            case 2:
                del content[at : at + size]
            case 3:
                content[at:at] = content[at : at + size]
            case _:
                filler = chance.choice((b"\0", b"\xff", b'"', b",", b"\n", b":", b"{", b"[", b"-"))
                content[at : at + size] = filler * size


def respelled(text: str, chance: random.Random) -> str:
    """Return a document of lines with one to four of them changed, as a person or a tool might."""
    lines = text.split("\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        line = lines[at]
        head, colon, _ = line.partition(":")
        value = chance.choice((*TEXTS, *map(str, NUMBERS), "[]", "{}", "[a, b]", "&a *a", "P1D"))
        match chance.randrange(7):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, line)
            case 2:
                lines[at] = "  " + line
            case 3:
                lines[at] = line[chance.randint(0, 2) :]
            case 4:
                lines[at] = line[: chance.randint(0, len(line))]
            case _:
                lines[at] = f"{head}{colon or ':'} {value}"
        if not lines:
            lines = [""]
    return "\n".join(lines)
