"""Azure Machine Learning's control plane over TLS, as azure-ai-ml 1.35 speaks to it.

It keeps resources and enforces the service's rules; what happens in the world is up to hooks:
`on_job` when a job is created, `job_status` when one is asked about, `on_traffic` when the split of
an online endpoint has changed. Sources are named in the modules of each kind of resource.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.doubles.azureml_arm import Document, Operation, absent, refuse
from tests.doubles.azureml_assets import Assets
from tests.doubles.azureml_batch import Batch
from tests.doubles.azureml_jobs import Jobs
from tests.doubles.azureml_online import Online
from tests.doubles.loopback import BadRequest, Handler, Loopback, Request, Response
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

PROVIDER = "Microsoft.MachineLearningServices"
LOCATION = "westeurope"
#: Authentication of Resource Manager: "Azure Resource Manager - authenticate requests", and
#: azure-core's `BearerTokenCredentialPolicy`, which drops its token on such an answer.
CHALLENGE = (
    'Bearer authorization_uri="https://login.windows.net/", error="invalid_token", '
    'error_description="The access token is missing, expired or not valid."'
)


class AzureML(Loopback):
    """One workspace.

    Parameters
    ----------
    authority, credential : its certificate, and who decides which bearer token is valid.

    Attributes
    ----------
    assets, jobs, online, batch : the resources, with what is needed to put some there.
    on_job, job_status, on_traffic, on_model : the hooks; they run before the answer is sent.
    now : the clock of the resources' dates.
    polls : how often an operation says that it is in progress before it is done; None: for ever,
        until `finish` is called.
    failing : what operations end with from now on: an error document, None where they succeed.
    poll_after : seconds that a client is told to wait between two looks.
    """

    def __init__(
        self,
        authority: Authority,
        credential: LoopbackCredential,
        *,
        subscription: str = "00000000-0000-0000-0000-000000000001",
        resource_group: str = "rg",
        workspace: str = "ws",
    ) -> None:
        super().__init__(authority)
        self.credential = credential
        self.subscription = subscription
        self.resource_group = resource_group
        self.workspace = workspace
        self.scope = (
            f"/subscriptions/{subscription}/resourceGroups/{resource_group}"
            f"/providers/{PROVIDER}/workspaces/{workspace}"
        )
        self.polls: int | None = 1
        self.poll_after: float = 0.01
        self.on_job: Callable[[Document], None] | None = None
        self.job_status: Callable[[str], Document] | None = None
        self.on_traffic: Callable[[str, dict[str, int], dict[str, int]], None] | None = None
        self.on_model: Callable[[Document], None] | None = None
        self.failing: Document | None = None
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.operations: dict[str, Operation] = {}
        self._workspace()
        self.assets = Assets(self)
        self.jobs = Jobs(self)
        self.online = Online(self)
        self.batch = Batch(self)

    @property
    def metadata(self) -> dict[str, str]:
        """The addresses of this cloud, as `MLClient(cloud_metadata=...)` takes them."""
        return {
            "azure_portal": self.url,
            "resource_manager": self.url,
            "active_directory": self.url,
            "aml_resource_id": f"{self.url}/aml",
            "storage_endpoint": "core.windows.net",
            "registry_discovery_endpoint": self.url,
        }

    @property
    def cloud_name(self) -> str:
        """A name of its own: azure-ai-ml remembers the first addresses of a name for good."""
        return f"Loop{self.port}"

    def arm(self, method: str, path: str, handler: Handler) -> None:
        """Route a path below the workspace, behind the checks of Resource Manager."""
        self.route(method, f"{self.scope}{path}", self._guarded(handler))

    def finish(self) -> None:
        """Carry out every operation that is still in progress."""
        with self.lock:
            for operation in list(self.operations.values()):
                if operation.status == "InProgress":
                    operation.done()

    def begin(self, finish: Callable[[], None]) -> Operation:
        """Begin an operation whose effect is `finish`."""
        number = f"{len(self.operations) + 1:08x}"
        operation = Operation(number, self.polls, finish, error=self.failing)
        self.operations[number] = operation
        return operation

    def accepted(self, status: int, operation: Operation, body: Document | None) -> Response:
        """Return the answer to a request that goes on: 201 with a status address, or 202."""
        where = f"{self.url}/subscriptions/{self.subscription}/providers/{PROVIDER}"
        where += f"/locations/{LOCATION}"
        version = "?api-version=2023-10-01"
        headers = self.wait()
        if status == 201:
            headers["x-ms-async-operation-timeout"] = "PT1H"
        else:
            headers["Location"] = f"{where}/mfeOperationResults/{operation.id}{version}"
        headers["Azure-AsyncOperation"] = f"{where}/mfeOperationsStatus/{operation.id}{version}"
        return Response(status, body, headers)

    def wait(self) -> dict[str, str]:
        """Return the header that tells when to look again; azure-core reads milliseconds, too."""
        if self.poll_after >= 1:
            return {"Retry-After": str(int(self.poll_after))}
        return {"retry-after-ms": str(int(self.poll_after * 1000))}

    def envelope(self, path: str, kind: str, body: Mapping[str, Any]) -> Document:
        """Return a resource with the fields that every one has."""
        stamp = self.now().isoformat().replace("+00:00", "Z")
        return {
            "id": f"{self.scope}{path}",
            "name": path.rsplit("/", 1)[-1],
            "type": f"{PROVIDER}/workspaces/{kind}",
            "systemData": {
                "createdAt": stamp, "createdBy": "loopback", "createdByType": "Application",
                "lastModifiedAt": stamp,
            },
            **body,
        }  # fmt: skip

    def _guarded(self, handler: Handler) -> Handler:
        def guarded(request: Request) -> Response:
            if request.headers.get("authorization") != self.credential.bearer:
                refusal = BadRequest("InvalidAuthenticationToken", "The token is not valid.", 401)
                return Response(401, refusal.answer.body, {"WWW-Authenticate": CHALLENGE})
            if not request.query.get("api-version") and "/history/" not in request.path:
                raise refuse(
                    "The api-version query parameter (?api-version=) is required for all requests.",
                    code="MissingApiVersionParameter",
                )
            return handler(request)

        return guarded

    def _workspace(self) -> None:
        self.arm("GET", "", self._workspace_document)
        where = f"/subscriptions/{self.subscription}/providers/{PROVIDER}/locations/[^/]+"
        self.route("GET", f"{where}/mfeOperationsStatus/(?P<id>[^/]+)", self._guarded(self._status))
        self.route("GET", f"{where}/mfeOperationResults/(?P<id>[^/]+)", self._guarded(self._result))
        # Where the workspace's own services live: `_get_workspace_url` of azure-ai-ml reads it
        # from the workspace's discovery address, without a token.
        self.route("GET", "/discovery", lambda _: Response(200, {"api": self.url}))
        self.history = f"/history/v1.0{self.scope}"

    def _workspace_document(self, _: Request) -> Response:
        body = {
            "location": LOCATION,
            "properties": {
                "workspaceId": "11111111-1111-1111-1111-111111111111",
                "friendlyName": self.workspace,
                "discoveryUrl": f"{self.url}/discovery",
                "mlFlowTrackingUri": f"azureml://localhost:{self.port}/mlflow/v1.0{self.scope}",
                "provisioningState": "Succeeded",
            },
        }
        document = self.envelope("", "", body)
        return Response(200, document | {"name": self.workspace, "type": f"{PROVIDER}/workspaces"})

    def history_route(self, method: str, path: str, handler: Handler) -> None:
        """Route a path of the run history, which is a service of the workspace beside ARM."""
        self.route(method, f"{self.history}{path}", self._guarded(handler))

    def _operation(self, request: Request) -> Operation:
        found = self.operations.get(request.names["id"])
        if found is None:
            raise absent("Operation", request.names["id"])
        found.looked()
        return found

    def _status(self, request: Request) -> Response:
        operation = self._operation(request)
        headers = self.wait() if operation.status == "InProgress" else {}
        return Response(200, operation.document(), headers)

    def _result(self, request: Request) -> Response:
        operation = self._operation(request)
        if operation.status == "InProgress":
            return Response(202, None, {**self.wait(), "Location": f"{self.url}{request.path}"})
        return Response(200 if operation.error is None else 400, operation.document())
