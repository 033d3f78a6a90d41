"""What every kind of test may use: this machine's own certificate authority, and tokens."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.doubles.tls import Authority, authority

# Tests assert no times, and a machine may be busy.
settings.register_profile("driftwarden", deadline=None)
settings.load_profile("driftwarden")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority for the loopback doubles; clients trust its `bundle`."""
    return authority(tmp_path_factory.mktemp("authority"))
