"""Credentials for the loopback doubles: tokens that look like Entra's and are good for nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from azure.core.credentials import AccessToken

LASTS = 3600


@dataclass
class LoopbackCredential:
    """A token credential that counts what it hands out; `revoke` makes the next one differ."""

    asked: list[str] = field(default_factory=list)
    generation: int = 1

    @property
    def bearer(self) -> str:
        """The Authorization header that a double accepts."""
        return f"Bearer loopback-{self.generation}"

    def revoke(self) -> None:
        """Make every token handed out so far an expired one."""
        self.generation += 1

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """See `azure.core.credentials.TokenCredential`."""
        self.asked.extend(scopes)
        return AccessToken(f"loopback-{self.generation}", int(time.time()) + LASTS)
