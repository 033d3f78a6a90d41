"""How the product and the raw SDK reach the double of Azure Machine Learning."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import jwt
from azure.core.credentials import AccessToken

from hosts.azure.cloud import Cloud
from hosts.azure.ml.workspace import Workspace
from hosts.azure.settings import Settings
from tests.doubles.azureml import AzureML
from tests.doubles.loopback import Request
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential


@dataclass
class WorkspaceCredential(LoopbackCredential):
    """Gives out a token for the workspace, too: azure-ai-ml looks into it for its audience."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """See `azure.core.credentials.TokenCredential`."""
        token = super().get_token(*scopes, **options)
        audience, _, _ = scopes[0].rpartition("/")
        if not audience.endswith("/aml"):
            return token
        return AccessToken(jwt.encode({"aud": audience}, "k" * 32), token.expires_on)


def workspace(service: AzureML, authority: Authority) -> Workspace:
    """Return the product's way in."""
    settings = Settings(service.subscription, service.resource_group, service.workspace, "", "")
    cloud = Cloud(
        service.credential,
        name=service.cloud_name,
        metadata=service.metadata,
        trusted=str(authority.bundle),
    )
    return Workspace(settings, cloud)


def again(
    service: AzureML,
    authority: Authority,
    request: Request,
    body: Any,
    *,
    version: bool = True,
    token: str | None = None,
) -> tuple[int, Any]:
    """Send a recorded request once more with another body; return the status and the answer."""
    query = f"?api-version={request.query['api-version']}" if version else ""
    raw = urllib.request.Request(
        f"{service.url}{request.path}{query}",
        data=json.dumps(body).encode(),
        method=request.method,
        headers={
            "Content-Type": "application/json",
            "Authorization": token or service.credential.bearer,
            "x-azureml-token": request.headers.get("x-azureml-token", ""),
        },
    )
    context = ssl.create_default_context(cafile=str(authority.bundle))
    try:
        with urllib.request.urlopen(raw, context=context) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
