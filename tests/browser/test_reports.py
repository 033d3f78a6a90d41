"""A report of Evidently under the headers with which it is served."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import azure.functions as func
import pyarrow as pa
import pytest

from hosts import face
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.functions.queues import Queues
from hosts.local.functions.server import Server
from hosts.reports.here import ReportsHere

pytestmark = pytest.mark.slow

#: What a script in a report might try.
SPY = """<script>
fetch('/leak?fetch').catch(() => {});
new Image().src = '/leak?image';
navigator.sendBeacon('/leak?beacon', 'rows');
for (const [tag, field] of [['script', 'src'], ['link', 'href'], ['iframe', 'src']]) {
  const node = document.createElement(tag);
  node.rel = 'stylesheet';
  node[field] = '/leak?' + tag;
  document.body.append(node);
}
const form = document.createElement('form');
form.action = '/leak?form';
document.body.append(form);
form.submit();
</script>"""
PATIENCE = 30.0


@pytest.fixture
def leaks() -> list[str]:
    """What was sent to the server."""
    return []


@pytest.fixture
def url(tmp_path: Path, leaks: list[str]) -> Iterator[str]:
    pytest.importorskip("evidently")
    rows = pa.table({"x": [float(i) for i in range(60)], "kind": ["a", "b"] * 30})
    page = ReportsHere().html("demand", [], [rows], [rows]).decode()
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route(route="report", methods=["GET"])
    def report(req: func.HttpRequest) -> func.HttpResponse:
        return face.as_html(lambda: page.replace("</body>", f"{SPY}</body>"), report=True)

    @app.route(route="leak", methods=["GET", "POST"])
    def leak(req: func.HttpRequest) -> str:
        leaks.append(req.url)
        return ""

    queues = Queues(tmp_path / "queues.db")

    def now() -> datetime:
        return datetime.now(UTC)

    with Server(Dispatcher(app, queues, now, key="k"), queues, now, port=0) as server:
        yield f"{server.url}api/report"
    queues.close()


def test_a_report_is_drawn_and_sends_nothing(browser: Any, url: str, leaks: list[str]) -> None:
    browser.complaints.clear()
    browser.open(url)
    end = time.monotonic() + PATIENCE
    while browser.evaluate("document.querySelectorAll('svg').length") < 5:
        assert time.monotonic() < end, "nothing is drawn"
        time.sleep(0.2)
    assert leaks == []
    refused = " ".join(browser.complaints)
    for one in ("fetch", "image", "beacon", "script", "link"):
        assert f"/leak?{one}" in refused, one
    assert "frame-src" in refused
