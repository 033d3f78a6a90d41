"""Links in pages: a pager that adds them, and the keys that sign them."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from engine.seal import Seal
from fleet.links import Linking
from fleet.ports import Pager
from hosts import keys
from monitoring.alerts.paging import Page

SETTING = "DRIFTWARDEN_LINK_KEY"
#: What separates the keys of links from those of journals.
PURPOSE = b"driftwarden links"


class LinkedPager:
    """Implements `fleet.ports.Pager`: adds the links to a page and sends it by another pager."""

    def __init__(self, pager: Pager, linking: Linking) -> None:
        self._pager, self._linking = pager, linking

    def page(self, page: Page, at: datetime, now: datetime) -> str | None:
        """See `fleet.ports.Pager`."""
        return self._pager.page(self._linking.added(page, at), at, now)


def link_keys(settings: Mapping[str, str], seal: Seal) -> Sequence[bytes]:
    """Return the keys of links: those of the setting, else one derived of each journal key.

    Raises
    ------
    Refused
        The setting holds no key, or one that is too short.
    """
    given = keys.setting(settings, SETTING)
    if given is not None:
        return given.keys
    return tuple(hmac.digest(key, PURPOSE, "sha256") for key in seal.keys)
