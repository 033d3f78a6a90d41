"""Verify that a bearer token is Event Grid's; keys are fetched rarely, whatever is sent."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt

from engine.errors import Unavailable
from hosts.face import Denied

#: Event Grid's application in every tenant, and the role that lets it deliver: Microsoft Learn,
#: "Deliver events to Microsoft Entra protected endpoints".
EVENT_GRID = "4962773b-9cdb-44cf-a8bf-237846a00ab7"
ROLE = "AzureEventGridSecureWebhookSubscriber"
LEEWAY = timedelta(minutes=2)
LONGEST = 16 * 1024
#: How often keys are fetched again: Microsoft Learn, "Signing key rollover in the Microsoft
#: identity platform", which also says that a new key may come at any time.
KEYS_LAST = timedelta(hours=24)
#: The tenant is asked at most this often, however many unknown keys are named.
PAUSE = timedelta(seconds=30)
PATIENCE = 5.0


class Keys:
    """The signing keys of one tenant, by key id.

    Parameters
    ----------
    document : address of the tenant's OpenID configuration, which names where the keys are.
    context : the trusted authorities; the system's where None.
    clock : seconds, never going back.
    """

    def __init__(
        self,
        document: str,
        context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._document, self._context, self._clock = document, context, clock
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = self._tried = float("-inf")

    def find(self, name: str) -> jwt.PyJWK:
        """Return the key of that id.

        Raises
        ------
        Denied
            The tenant has no such key.
        Unavailable
            The tenant does not answer, or was asked too recently.
        """
        with self._lock:
            now = self._clock()
            if name in self._keys and now < self._fetched + KEYS_LAST.total_seconds():
                return self._keys[name]
            if now < self._tried + PAUSE.total_seconds():
                limit = f"{PAUSE.total_seconds():.0f} s"
                raise Unavailable(
                    f"the tenant's signing keys were requested less than {limit} ago; retry later",
                    PAUSE,
                )
            self._tried = now
            self._keys = self._fetch()
            self._fetched = now
            if name not in self._keys:
                raise Denied(401, "token: signed by a key that is not the tenant's")
            return self._keys[name]

    def _fetch(self) -> dict[str, jwt.PyJWK]:
        where = self._read(self._document).get("jwks_uri")
        if not isinstance(where, str) or not where.startswith("https://"):
            raise Unavailable(f"{self._document}: no jwks_uri in it", PAUSE)
        listed = self._read(where).get("keys")
        try:
            found = [jwt.PyJWK(key, "RS256") for key in listed or () if _signs(key)]
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
            raise Unavailable(f"{where}: keys that cannot be read: {error}", PAUSE) from error
        if not found:
            raise Unavailable(f"{where}: no signing keys", PAUSE)
        return {str(key.key_id): key for key in found}

    def _read(self, url: str) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE, context=self._context) as answer:
                found = json.load(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unavailable(f"{url}: {error}", PAUSE) from error
        if not isinstance(found, dict):
            raise Unavailable(f"{url}: not a JSON object", PAUSE)
        return found


class Gate:
    """Admits requests of Event Grid only.

    Parameters
    ----------
    tenant : the id of the tenant whose tokens are accepted.
    audience : the application id or its URI, as the subscription names it.
    authority : `https://login.microsoftonline.com`, or another cloud's.
    """

    def __init__(
        self,
        tenant: str,
        audience: str,
        authority: str,
        context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._audience = audience
        # Tokens of version 2.0 and 1.0: a setting of the application chooses the version.
        self._issuers = [f"{authority}/{tenant}/v2.0", f"https://sts.windows.net/{tenant}/"]
        document = f"{authority}/{tenant}/v2.0/.well-known/openid-configuration"
        self._keys = Keys(document, context, clock)

    def admit(self, authorization: str | None) -> None:
        """Return if the Authorization header holds a valid token of Event Grid.

        Raises
        ------
        Denied
            401 where the token is invalid, 403 where it is of another caller or audience.
        Unavailable
            The keys are not available now, or the token has expired or is not valid yet: a retry
            brings a new token, while 401 would end the delivery.
        """
        claims = self._claims(_bearer(authorization))
        sender = claims.get("azp") or claims.get("appid")
        if sender != EVENT_GRID:
            raise Denied(403, "token: not issued to Event Grid")
        roles = claims.get("roles")
        if not isinstance(roles, list) or ROLE not in roles:
            raise Denied(403, f"token: lacks the role {ROLE}")

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            name = header.get("kid")
            if header.get("alg") != "RS256" or not isinstance(name, str):
                raise Denied(401, "token: it has to be signed with RS256 and name its key")
            claims: dict[str, Any] = jwt.decode(
                token,
                self._keys.find(name),
                algorithms=["RS256"],
                audience=self._audience,
                issuer=self._issuers,
                leeway=LEEWAY,
                options={"require": ["exp", "nbf", "iss", "aud"]},
            )
        except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
            raise Unavailable(f"token: {error}", PAUSE) from error
        except jwt.PyJWTError as error:
            raise Denied(401, f"token: {error}") from error
        return claims


def _signs(key: Any) -> bool:
    return (
        isinstance(key, dict)
        and bool(key.get("kid"))
        and key.get("kty") == "RSA"
        and key.get("use", "sig") == "sig"
    )


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Denied(401, "this needs a bearer token of Microsoft Entra ID")
    if len(token) > LONGEST:
        raise Denied(401, f"token: longer than {LONGEST} characters")
    return token
