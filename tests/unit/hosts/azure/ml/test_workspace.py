from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from hosts.azure.cloud import Cloud
from hosts.azure.ml.workspace import Workspace
from hosts.azure.settings import Settings
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import WorkspaceCredential, workspace
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

# azure-ai-ml is written for marshmallow 3, and marshmallow 3 tells of 4.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")

ROOT = Path(__file__).parents[5]
LAZY = """\
import sys
from hosts.azure.ml import arm_errors, registry, training, workspace
heavy = [name for name in sys.modules if name.startswith(("azure.ai", "marshmallow", "pandas"))]
assert not heavy, heavy
"""


@pytest.mark.usefixtures("outside")
def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    subprocess.run([sys.executable, "-c", LAZY], cwd=ROOT, check=True)


def test_the_client_is_opened_once_and_asks_nobody(certificates: Authority) -> None:
    with AzureML(certificates, WorkspaceCredential()) as service:
        opened = workspace(service, certificates)
        assert opened.client is opened.client
        assert service.requests() == []
        assert opened.client.workspace_name == service.workspace


def test_the_public_cloud_needs_no_addresses() -> None:
    opened = Workspace(Settings("s", "rg", "ws", "", ""), Cloud(LoopbackCredential()))
    assert opened.client.subscription_id == "s"


def test_the_sdk_is_quiet(certificates: Authority) -> None:
    with AzureML(certificates, WorkspaceCredential()) as service:
        _ = workspace(service, certificates).client
    for name in ("azure.ai.ml", "azure.ai.ml._utils._experimental"):
        assert not logging.getLogger(name).isEnabledFor(logging.WARNING)
