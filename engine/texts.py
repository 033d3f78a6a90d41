"""Texts from outside and of exceptions, bounded before they are stored."""

from __future__ import annotations

from engine.errors import DriftwardenError

#: Enough for a reason; what is longer is cut, and its length told.
LONGEST = 2000
#: An exception's message leaves room for the words around it.
MESSAGE = 1500


def storable(text: str) -> str:
    """Return a text as UTF-8 can hold it: half surrogate pairs are written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def visible(text: str) -> str:
    r"""Escape line ends, control and format characters: none of them reaches a terminal or a log.

    >>> visible("a\nb\x1b[2J\u202e")
    'a\\nb\\x1b[2J\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def cut(text: str, most: int = LONGEST) -> str:
    """Return a text that every store keeps: at most `most` characters, no half surrogate pairs.

    >>> cut("abcdefghijklmnopqrstuvwxyz", 23)
    'abcdef… (26 characters)'
    """
    sound = storable(text)
    if len(sound) <= most:
        return sound
    told = f"… ({len(sound)} characters)"
    return sound[: max(most - len(told), 0)] + told


def joined(*parts: str) -> str:
    """Join parts to one id by ':', so that no other parts give the same id.

    Every colon and backslash is escaped but those of the last part.

    >>> joined("a", "1", "b:c"), joined("a", "1:b", "c")
    ('a:1:b:c', 'a:1\\\\:b:c')
    """
    *before, last = parts
    escaped = (part.replace("\\", "\\\\").replace(":", "\\:") for part in before)
    return ":".join((*escaped, last))


def unexpected(error: Exception) -> str:
    """Return why something failed, as one bounded line; with its type if it is no error of ours.

    >>> unexpected(ZeroDivisionError("division by zero"))
    'ZeroDivisionError: division by zero'
    """
    line = " ".join(str(error).split())
    if isinstance(error, DriftwardenError):
        return cut(line)
    message = cut(line, MESSAGE)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
