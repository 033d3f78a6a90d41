"""The table of faults and what became of them, at the end of the test report."""

from __future__ import annotations

import pytest

OUTCOMES = pytest.StashKey[dict[str, str]]()


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> dict[str, str]:
    """What became of each fault, by its name; shown when all is done."""
    found: dict[str, str] = {}
    request.config.stash[OUTCOMES] = found
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the table."""
    found = terminalreporter.config.stash.get(OUTCOMES, {})
    if not found:
        return
    width = max(map(len, found))
    terminalreporter.section("fault × outcome")
    for name, outcome in found.items():
        terminalreporter.write_line(f"{name:<{width}}  {outcome}")
