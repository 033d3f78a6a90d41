"""The table of faults and what became of them, at the end of the test report."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

OUTCOME = "fault: "


@pytest.fixture(scope="session", autouse=True)
def _warnings_unasked() -> Iterator[None]:
    """Spare the SDK its question whether to log that a class is experimental.

    It walks the whole stack, reading the sources of every frame, for each deployment that is read:
    two fifths of a replay's time. Nothing but a line of the log depends on the answer.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("azure.ai.ml._utils._experimental._should_skip_warning", lambda: True)
        yield


@pytest.fixture
def outcomes(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """What became of each fault, by its name; shown when all is done."""
    found: dict[str, str] = {}
    yield found
    # Properties travel with the report, from whichever process the test ran in.
    for name, outcome in found.items():
        request.node.user_properties.append((OUTCOME + name, outcome))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the table."""
    found = {
        str(name).removeprefix(OUTCOME): str(outcome)
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, outcome in getattr(report, "user_properties", ())
        if str(name).startswith(OUTCOME)
    }
    if not found:
        return
    width = max(map(len, found))
    terminalreporter.section("fault × outcome")
    for name, outcome in found.items():
        terminalreporter.write_line(f"{name:<{width}}  {outcome}")
