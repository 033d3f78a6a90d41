"""Microsoft Entra ID as far as a protected API sees it: where a tenant's keys are, and its tokens.

Sources: Microsoft Learn, "OpenID Connect on the Microsoft identity platform" (the configuration
document; a tenant that does not exist is a 400 with invalid_tenant), "Access tokens in the
Microsoft identity platform" and "Access token claims reference" (issuers and claims of both
versions, RS256, `kid`, 60 to 90 minutes), "Signing key rollover in the Microsoft identity platform"
(several keys at a time, new ones at any time), "Get access tokens with app-only access" (`roles`
lists app roles).
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.doubles.loopback import BadRequest, Loopback, Request, Response
from tests.doubles.tls import Authority

TENANT = "72f988bf-0000-4000-8000-2d7cd011db47"
AUDIENCE = "api://driftwarden"
EVENT_GRID = "4962773b-9cdb-44cf-a8bf-237846a00ab7"
ROLE = "AzureEventGridSecureWebhookSubscriber"
CONFIGURATION = r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration"
KEYS = r"/(?P<tenant>[^/]+)/discovery/v2\.0/keys"
LASTS = 75 * 60


class Entra(Loopback):
    """The authority of one tenant, with one signing key to begin with."""

    def __init__(self, authority: Authority) -> None:
        super().__init__(authority)
        self.private: dict[str, rsa.RSAPrivateKey] = {}
        self.published: list[str] = []
        self.kid = self.rotate()
        self.route("GET", CONFIGURATION, self._configuration)
        self.route("GET", KEYS, self._keys)

    def rotate(self, *, publish: bool = True) -> str:
        """Sign with a new key from now on; the old ones stay published."""
        self.kid = uuid.uuid4().hex
        self.private[self.kid] = rsa.generate_private_key(65537, 2048)
        if publish:
            self.published.append(self.kid)
        return self.kid

    def claims(self, *, version: str = "2.0") -> dict[str, Any]:
        """What a token for Event Grid says."""
        now = int(time.time())
        claims = {
            "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + LASTS, "tid": TENANT,
            "oid": str(uuid.uuid4()), "sub": str(uuid.uuid4()), "roles": [ROLE], "ver": version,
        }  # fmt: skip
        if version == "1.0":
            return {**claims, "iss": f"https://sts.windows.net/{TENANT}/", "appid": EVENT_GRID}
        return {**claims, "iss": f"{self.url}/{TENANT}/v2.0", "azp": EVENT_GRID}

    def token(self, claims: dict[str, Any] | None = None, **header: Any) -> str:
        """Return claims signed with the present key; `header` is laid over the token's own."""
        said = {"kid": self.kid, **header}
        payload = self.claims() if claims is None else claims
        return jwt.encode(payload, self.private[self.kid], "RS256", headers=said)

    def fetches(self) -> int:
        """How often keys were asked for."""
        return len(self.requests("/keys$"))

    def _configuration(self, request: Request) -> Response:
        self._check(request)
        root = f"{self.url}/{TENANT}"
        return Response(
            200,
            {
                "issuer": f"{root}/v2.0", "jwks_uri": f"{root}/discovery/v2.0/keys",
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "response_types_supported": ["code", "id_token", "code id_token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            },
        )  # fmt: skip

    def _keys(self, request: Request) -> Response:
        self._check(request)
        return Response(200, {"keys": [self._key(kid) for kid in self.published]})

    def _key(self, kid: str) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.private[kid].public_key())
        return {**json.loads(public), "kid": kid, "use": "sig", "key_ops": ["verify"]}

    @staticmethod
    def _check(request: Request) -> None:
        if request.names["tenant"] != TENANT:
            raise BadRequest("invalid_tenant", "AADSTS90002: no such tenant")
