"""Why a receiver did not take a message: in classes, in our own words, without a secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from engine.errors import Refused, Unavailable
from engine.texts import visible
from hosts.receivers import http
from hosts.receivers.http import Answer, NoHttpError, UnreachedError

DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(hours=1)
#: More digits of seconds are centuries.
DIGITS = 10
#: Characters of an answer that a note has.
NOTED = 500


class Failure(StrEnum):
    """Whom a failure is to be mended by, as Alertmanager's metrics class it."""

    AUTH = "authError"
    RATE = "rateLimited"
    CLIENT = "clientError"
    SERVER = "serverError"
    TIMEOUT = "timeout"


class RateLimited(Unavailable):
    """The receiver takes no message before `delay` is over; asking it sooner makes that longer."""

    def __init__(self, reason: str, delay: timedelta) -> None:
        super().__init__(reason, delay, delay)


def failure(status: int) -> Failure:
    """Return the class of a status that is no success.

    >>> [str(failure(status)) for status in (401, 404, 408, 429, 502)]
    ['authError', 'clientError', 'timeout', 'rateLimited', 'serverError']
    """
    match status:
        case 401 | 403 | 407:
            return Failure.AUTH
        case 408:
            return Failure.TIMEOUT
        case 425 | 429:
            return Failure.RATE
        case _ if 400 <= status < 500:
            return Failure.CLIENT
        case _:
            return Failure.SERVER


def told(receiver: str, words: str, kind: Failure) -> str:
    """Return the reason of a failure."""
    return f"receiver {receiver}: {words} ({kind})"


def raised(
    receiver: str, words: str, kind: Failure, delay: timedelta = DELAY
) -> Refused | Unavailable:
    """Return the error for a failure: what is the message's or the configuration's is refused."""
    reason = told(receiver, words, kind)
    match kind:
        case Failure.AUTH | Failure.CLIENT:
            return Refused(reason)
        case Failure.RATE:
            return RateLimited(reason, delay)
        case _:
            return Unavailable(reason, delay)


def unaccepted(receiver: str, answer: Answer) -> Refused | Unavailable:
    """Return the error for an answer that is no success; it honours Retry-After, up to an hour."""
    words = f"HTTP {answer.status}"
    error = raised(receiver, words, failure(answer.status), retry_after(answer.headers))
    # For somebody who tests the receiver; a note is no part of the reason that is stored.
    error.add_note(f"the answer: {visible(answer.text[:NOTED])}")
    return error


def posted(
    receiver: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    post: Callable[[str, bytes, Mapping[str, str], float], Answer] = http.post,
) -> Answer:
    """Post a message and return the answer that accepts it.

    The address may hold a secret, so that no reason names it.

    Raises
    ------
    Refused, Unavailable
        It was not accepted.
    """
    try:
        answer = post(url, body, headers, http.TIMEOUT)
    except TimeoutError as error:
        raise raised(receiver, str(error), Failure.TIMEOUT) from None
    except UnreachedError as error:
        raise raised(receiver, str(error), Failure.SERVER) from None
    except NoHttpError as error:
        raise raised(receiver, f"no answer in HTTP, {error}", Failure.SERVER) from None
    if not answer.accepted:
        raise unaccepted(receiver, answer)
    return answer


def retry_after(headers: Mapping[str, str]) -> timedelta:
    """Return the wait that a server asks for: seconds, or until a date by its own clock."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:DIGITS])), LONGEST_DELAY)
    try:
        until = parsedate_to_datetime(text)
        present = parsedate_to_datetime(headers.get("date", ""))
        return max(timedelta(0), min(until - present, LONGEST_DELAY))
    except (TypeError, ValueError):
        return DELAY
