"""The pages as a browser shows them, served by the app itself over real sockets."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import function_app
from dashboards import pages
from engine import journal
from engine.chain import Place
from engine.clock import SetClock
from engine.head import Head
from engine.store import instant
from fleet.model.slices.windows import Past, Windows
from fleet.model.state import Model
from fleet.model.upgrade import FORMAT
from hosts import read_config
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.functions.hostfile import parse_host_file
from hosts.local.functions.server import Server
from hosts.local.host import LocalHost
from monitoring.drift.verdict import Verdict
from tests.doubles.reports import HOSTILE, feature, report

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BEGIN = date(2013, 6, 1)
NOW = datetime(2024, 5, 1, tzinfo=UTC)
DAYS = 120
FEATURES = ("temp", "an-extraordinarily-long-feature-name-that-nobody-would-choose", "<b>seats</b>")
YAML = """
version: 1
store: local:store
receivers: {phone: {kind: file, path: pages.jsonl}}
teams: {crew: {page: [phone]}}
models:
  flights: {team: crew, logs: {endpoint: flights}}
  quiet: {team: crew, logs: {endpoint: quiet}}
defaults:
  reference: {data: reference.parquet}
  serving: {champion: q1, baseline: q1}
"""
CONTRAST = """
(() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * x + .7152 * y + .0722 * z;
  };
  const ground = node => {
    for (; node; node = node.parentElement) {
      const found = rgb(getComputedStyle(node).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const node of document.body.querySelectorAll('*')) {
    const text = [...node.childNodes].filter(n => n.nodeType === 3 && n.data.trim()).map(n => n.data.trim());
    if (!text.length || node.closest('svg') || !node.getClientRects().length) continue;
    const color = rgb(getComputedStyle(node).color);
    if (color.length > 3 && color[3] === 0) continue;
    const [a, b] = [light(color), light(ground(node))].sort((p, q) => q - p);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${node.className} ${text[0]}`);
  }
  return faint;
})()
"""  # noqa: E501


def lines() -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Four months with drift, alerts of both severities, and a rollout that is under way."""
    start = datetime(2013, 6, 1, tzinfo=UTC)
    yield start, {"what": "traffic", "weights": {"q1": 100}, "shadow": []}
    for n in range(DAYS):
        at = start + timedelta(days=n + 1, hours=2)
        window = (BEGIN + timedelta(days=n)).isoformat()
        verdict = "drifted" if n > 60 else "drifting" if n > 30 else "stable"
        yield at, {
            "what": "assessed", "window": window, "rows": 900, "verdict": verdict,
            "stream": {} if verdict == "stable" else {FEATURES[0]: verdict},
            "psi": {name: 0.02 * (i + 1) + n / 100 for i, name in enumerate(FEATURES)},
            "score_psi": 0.01 + n / 100, "event": "Independence Day" if 32 <= n <= 34 else None,
            "quality": [], "report": "r",
        }  # fmt: skip
        scores = {
            "served": {"auc": 0.68, "brier": 0.16 + n % 7 / 1000},
            "baseline": {"auc": 0.64, "brier": 0.17 + n / 5000},
        }
        yield at + timedelta(hours=9), {
            "what": "joined", "window": window, "labelled": 880, "expected": 900,
            "health": "healthy", "reason": "as usual", "scores": scores, "rows": "j",
        }  # fmt: skip
    for name, severity in (("drift-1", "ticket"), ("performance-1", "page")):
        yield at, {
            "what": "alert", "alert": name, "phase": "firing", "kind": "drift",
            "severity": severity, "reason": "moved " * 30, "features": [], "explained_by": None,
        }  # fmt: skip
    yield at, {
        "what": "rollout", "id": "flights-rollout-1", "challenger": "flights-run-1",
        "champion": "q1", "phase": "canary", "stage": 0, "reason": "shadow passed",
        "waived_by": "ada", "guards": {"errors": "unpowered", "large_loss": "cleared"},
    }  # fmt: skip


def fill(host: LocalHost) -> None:
    previous, past = "", {}
    for seq, (at, line) in enumerate(lines(), 1):
        place = Place("flights", previous, seq, instant(at))
        row, previous = journal.record(place, (line,))
        host.store.commit("flights", [row])
        if line["what"] == "assessed":
            past[line["window"]] = Past(900, verdict=Verdict(line["verdict"]))
    head = Head(Model(champion="q1", windows=Windows(past=past)), seq=seq, hash=previous)
    host.store.commit("flights", [head.write("flights", FORMAT)])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "fleet.yaml").write_text(YAML)
    clock = SetClock(datetime(2013, 9, 30, tzinfo=UTC))
    host = LocalHost(read_config(folder / "fleet.yaml"), folder, clock, durable=False, quiet=True)
    fill(host)
    function_app.use(host)
    dispatcher = Dispatcher(
        function_app.app, host.queues, clock.now, key="key",
        host_file=parse_host_file((ROOT / "host.json").read_text()),
    )  # fmt: skip
    with Server(dispatcher, host.queues, clock.now, port=0) as server:
        yield server.url.rstrip("/")
    host.close()


PAGES = ("/", "/models/flights", "/models/quiet")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 400])
def test_every_page_is_readable(browser: Any, url: str, page: str, scheme: str, width: int) -> None:
    browser.view(width, scheme)
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(url + page)
    assert browser.evaluate(CONTRAST) == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(ground.split("(")[1].split(",")[0]) < 128) == (scheme == "dark")
    assert browser.complaints == []
    asked = {found for found in browser.requests if not found.startswith("data:")}
    assert asked == {url + page}


def test_the_heat_map_has_a_place_for_every_day(browser: Any, url: str) -> None:
    browser.view(1400, "light")
    browser.open(f"{url}/models/flights")
    assert browser.evaluate("document.querySelectorAll('.heat .col').length") == DAYS
    wide = browser.evaluate("document.querySelector('.heat svg').getBoundingClientRect().width")
    assert wide > 1000
    texts = browser.evaluate("[...document.querySelectorAll('.heat li')].map(li => li.innerText)")
    assert [text.split("\n")[0].strip() for text in texts] == sorted(
        FEATURES, key=lambda name: (name != "temp", name)
    )
    assert "flights-run-1" in browser.evaluate("document.querySelector('main').innerText")


def test_the_fleet_leads_to_its_models(browser: Any, url: str) -> None:
    browser.view(1400, "light")
    browser.open(f"{url}/")
    links = browser.evaluate("[...document.querySelectorAll('tbody a')].map(a => a.href)")
    assert {f"{url}/models/flights", f"{url}/models/quiet"} <= set(links)


def test_a_model_that_is_not_watched_is_not_found(url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("GET", "/models/nobody")
    answer = connection.getresponse()
    assert answer.status == 404
    assert b"no model" in answer.read()
    connection.close()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the page of a check of columns with hostile names lies."""
    file = tmp_path_factory.mktemp("check") / "page.html"
    features = [feature(name, Verdict.DRIFTED) for name in HOSTILE]
    features += [feature(f"calm {n}") for n in range(20)]
    file.write_text(pages.check(report(features), ("old/<b>", "new.csv"), NOW))
    return file.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_the_page_of_a_check_is_readable(
    browser: Any, compared: str, scheme: str, width: int
) -> None:
    browser.view(width, scheme)
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(compared)
    assert browser.evaluate(CONTRAST) == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    cut = "[...document.querySelectorAll('.card, .stack')].filter(n => n.scrollWidth > n.parentNode.clientWidth)"  # noqa: E501
    assert browser.evaluate(f"{cut}.map(n => n.innerText)") == []
    assert browser.complaints == []
    assert {one for one in browser.requests if not one.startswith("data:")} == {compared}
    lengths = "[...document.querySelectorAll('.card .pair i')].slice(0, 4).map(n => n.offsetWidth)"
    whole, same, most, least = browser.evaluate(lengths)
    assert whole == same > most > least > 0
