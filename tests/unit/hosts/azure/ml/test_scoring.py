from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from engine.errors import Refused, Unavailable
from hosts.azure.ml.scoring import EVALUATION, PAYLOAD, ROWS, AzureScoring
from hosts.azure.ml.scoring_client import ScoringClient
from hosts.azure.ml.workspace import Workspace
from monitoring.intake.own import is_own
from retrain.ports import ModelCard
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import WorkspaceCredential, workspace
from tests.doubles.endpoints import ENDPOINT, Stand, emptied, stand
from tests.doubles.loopback import Response
from tests.doubles.scoring import Rows, Scorers
from tests.doubles.tls import Authority

#: azure-ai-ml is written for the marshmallow before the one it allows.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")

ROW = pa.table({"a": [0.25, 0.5], "b": ["x", "y"], "time": [datetime(2013, 7, 4, tzinfo=UTC)] * 2})
SCORE = f"POST /endpoints/{ENDPOINT}/score"


class Cards:
    """A registry that knows one model."""

    def __init__(
        self, features: tuple[str, ...] = ("a", "b"), tags: dict[str, str] | None = None
    ) -> None:
        self.features = features
        self.tags = tags or {}

    def card(self, model: str, version: str) -> ModelCard:
        return ModelCard(model, version, self.features, tags=self.tags)


@pytest.fixture(scope="module")
def service(certificates: Authority) -> Iterator[AzureML]:
    with AzureML(certificates, WorkspaceCredential()) as running:
        yield running


@pytest.fixture(scope="module")
def opened(service: AzureML, certificates: Authority) -> Workspace:
    return workspace(service, certificates)


@pytest.fixture(scope="module")
def scorers(service: AzureML) -> Scorers:
    return Scorers(service, {})


@pytest.fixture
def at(service: AzureML, opened: Workspace, scorers: Scorers) -> Stand:
    emptied(service)
    service.online.add(ENDPOINT, "champion", "challenger", model="flights")
    service.online.split(ENDPOINT, {"champion": 100}, {})
    scorers.scored.clear()
    scorers.key = "loopback-primary"
    scorers.models = {
        "champion": lambda rows: [row["a"] for row in rows],
        "challenger": lambda rows: {"score": [1 - row["a"] for row in rows]},
    }
    return stand(service, opened)


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def make(at: Stand, certificates: Authority, naps: list[float]) -> Callable[..., AzureScoring]:
    def build(cards: Cards | None = None, **options: Any) -> AzureScoring:
        read = options.pop("read_table", lambda _: ROW)
        client = ScoringClient(
            at.workspace, verify=str(certificates.bundle), sleep=naps.append, **options
        )
        known: Any = cards or Cards()
        return AzureScoring(client, at.deployments, known, lambda _: ENDPOINT, read)

    return build


@pytest.fixture
def scoring(make: Callable[..., AzureScoring]) -> AzureScoring:
    return make()


def test_each_version_answers_for_itself_whatever_the_split(
    scoring: AzureScoring, scorers: Scorers
) -> None:
    assert scoring.score("flights", "champion", ROW).tolist() == [0.25, 0.5]
    assert scoring.score("flights", "challenger", ROW).tolist() == [0.75, 0.5]
    assert [one.deployment for one in scorers.scored] == ["champion", "challenger"]
    assert all(one.pinned for one in scorers.scored)
    for name in ("request", "client"):
        ids = {str(getattr(one, name)) for one in scorers.scored}
        assert len(ids) == 2
        assert all(map(is_own, ids)), "the service kept the marks"


def test_only_what_the_version_takes_is_sent_and_missing_is_null(
    make: Callable[..., AzureScoring], scorers: Scorers
) -> None:
    rows = pa.table({"a": [math.nan, math.inf, None, 1.0], "label": [1, 0, 1, 0]})
    scorers.models["champion"] = lambda rows: [0] * len(rows)
    make(Cards(("a", "delay"))).score("flights", "champion", rows)
    assert scorers.scored[0].rows == [{"a": a, "delay": None} for a in (None, None, None, 1.0)]


def test_a_version_that_names_no_features_takes_all(
    make: Callable[..., AzureScoring], scorers: Scorers
) -> None:
    make(Cards(())).score("flights", "champion", ROW)
    assert scorers.scored[0].rows[0] == {"a": 0.25, "b": "x", "time": "2013-07-04T00:00:00+00:00"}


def test_many_rows_go_in_blocks_and_come_back_in_order(
    scoring: AzureScoring, scorers: Scorers
) -> None:
    rows = pa.table({"a": np.arange(2 * ROWS + 1.0), "b": ["x"] * (2 * ROWS + 1)})
    assert scoring.score("flights", "champion", rows).tolist() == rows["a"].to_pylist()
    assert [len(one.rows) for one in scorers.scored] == [ROWS, ROWS, 1]


def test_wide_rows_are_cut_to_the_payload(scoring: AzureScoring, scorers: Scorers) -> None:
    rows = pa.table({"a": [0.5] * 8, "b": ["x" * (PAYLOAD // 3)] * 8})
    assert scoring.score("flights", "champion", rows).tolist() == [0.5] * 8
    assert sum(len(one.rows) for one in scorers.scored) == 8
    assert len(scorers.scored) == 4


def test_no_rows_ask_nobody(scoring: AzureScoring, at: Stand) -> None:
    assert scoring.score("flights", "champion", ROW.slice(0, 0)).tolist() == []
    assert not at.service.requests("POST")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ([0.5], "1 scores for 2 rows"),
        ([0.5, "x"], "'x', not a finite number"),
        ([0.5, True], "True, not a finite number"),
        ([0.5, None], "None, not a finite number"),
        ({"predictions": [0, 1]}, "not a list of scores"),
        ("0.5", "not a list of scores"),
    ],
)
def test_an_answer_that_is_no_scores_is_refused_with_the_version(
    scoring: AzureScoring, scorers: Scorers, answer: Any, told: str
) -> None:
    scorers.models["challenger"] = lambda rows: answer
    with pytest.raises(Refused, match=f"flights challenger answered.*{told}"):
        scoring.score("flights", "challenger", ROW)


def test_an_answer_that_is_not_json_is_refused(scoring: AzureScoring, at: Stand) -> None:
    at.service.fail(SCORE, answer=Response(200, b"<html>"))
    with pytest.raises(Refused, match="flights champion answered <html>, not JSON"):
        scoring.score("flights", "champion", ROW)


def test_a_model_that_fails_is_refused_with_its_own_status(
    scoring: AzureScoring, scorers: Scorers, naps: list[float]
) -> None:
    def fail(rows: Rows) -> Any:
        raise KeyError("delay")

    scorers.models["challenger"] = fail
    with pytest.raises(Refused, match=r"challenger on flights-live failed \(424, the model 500\)"):
        scoring.score("flights", "challenger", ROW)
    assert naps == []


def test_a_model_that_is_too_slow_is_refused(scoring: AzureScoring, at: Stand) -> None:
    at.service.fail(SCORE, answer=Response(408, {"message": "timed out"}))
    with pytest.raises(Refused, match=r"failed \(408\)"):
        scoring.score("flights", "champion", ROW)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_trouble_is_waited_out(
    scoring: AzureScoring, at: Stand, naps: list[float], status: int
) -> None:
    at.service.fail(SCORE, answer=Response(status, {}, {"Retry-After": "3"}), times=2)
    assert scoring.score("flights", "champion", ROW).tolist() == [0.25, 0.5]
    assert naps == [3, 3]


def test_a_dropped_connection_is_tried_again(scoring: AzureScoring, at: Stand) -> None:
    at.service.fail(SCORE, times=2)
    assert scoring.score("flights", "champion", ROW).tolist() == [0.25, 0.5]


def test_a_long_pause_is_the_callers_to_make(
    scoring: AzureScoring, at: Stand, naps: list[float]
) -> None:
    at.service.fail(SCORE, answer=Response(429, {}, {"Retry-After": "600"}))
    with pytest.raises(Unavailable, match="no capacity") as later:
        scoring.score("flights", "champion", ROW)
    assert later.value.delay == timedelta(minutes=10)
    assert naps == []


@pytest.mark.parametrize("asked", ["9" * 5000, "9" * 15, "²", "-1", "1e9", "soon"])
def test_a_pause_that_is_none_is_ours(
    scoring: AzureScoring, at: Stand, naps: list[float], asked: str
) -> None:
    at.service.fail(SCORE, answer=Response(429, {}, {"Retry-After": asked}))
    assert scoring.score("flights", "champion", ROW).tolist() == [0.25, 0.5]
    assert naps == [1]


@pytest.mark.parametrize("status", [429, 500, 504])
def test_a_lasting_trouble_is_unavailable(
    scoring: AzureScoring, at: Stand, naps: list[float], status: int
) -> None:
    at.service.fail(SCORE, answer=Response(status, {}), times=9)
    with pytest.raises(Unavailable, match=str(status)):
        scoring.score("flights", "champion", ROW)
    assert naps == [1, 2, 4]


def test_silence_is_unavailable(make: Callable[..., AzureScoring], at: Stand) -> None:
    at.service.fail(SCORE, delay=0.4, times=4)
    with pytest.raises(Unavailable, match=r"did not answer \(ServiceResponse"):
        make(timeout=0.1).score("flights", "champion", ROW)


def test_a_deployment_that_goes_away_is_refused(
    scoring: AzureScoring, at: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at.deployments, "ready", lambda model, version: "gone")
    with pytest.raises(Refused, match=r"deployment gone on flights-live is not there \(404\)"):
        scoring.score("flights", "champion", ROW)


# Being let in


def test_a_rotated_key_is_asked_for_again_once(
    scoring: AzureScoring, scorers: Scorers, at: Stand
) -> None:
    scoring.score("flights", "champion", ROW)
    scorers.key = "another"
    with pytest.raises(Unavailable, match=r"rejects the app's credentials \(401\)"):
        scoring.score("flights", "champion", ROW)
    assert len(at.service.requests("POST .*/listKeys")) == 2
    scorers.key = "loopback-primary"
    scoring.score("flights", "champion", ROW)
    assert len(at.service.requests("POST .*/listKeys")) == 2


def test_a_token_that_ran_out_is_asked_for_again(scoring: AzureScoring, at: Stand) -> None:
    at.endpoint()["properties"]["authMode"] = "AADToken"
    scoring.score("flights", "champion", ROW)
    at.service.credential.revoke()
    # Each of the SDK's clients keeps a token of its own and drops it when it is refused.
    for _ in range(2):
        with pytest.raises(Unavailable, match="token was rejected"):
            scoring.score("flights", "champion", ROW)
    assert scoring.score("flights", "champion", ROW).tolist() == [0.25, 0.5]
    assert "https://ml.azure.com/.default" in at.service.credential.asked


def test_no_key_is_ever_logged_or_shown(
    scoring: AzureScoring, at: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    at.service.fail(SCORE, answer=Response(403, {}), times=9)
    with pytest.raises(Unavailable) as refused:
        scoring.score("flights", "champion", ROW)
    said = caplog.text + str(refused.value) + repr(scoring._client._doors)
    assert "loopback-primary" not in said


def test_an_address_without_tls_is_never_told_the_key(scoring: AzureScoring, at: Stand) -> None:
    at.endpoint()["properties"]["scoringUri"] = "http://localhost/score"
    with pytest.raises(Refused, match="no https address"):
        scoring.score("flights", "champion", ROW)


# What the service would refuse, the double refuses


@pytest.mark.parametrize("lost", ["columns", "index", "data"])
def test_the_double_takes_no_request_with_a_field_less(
    scoring: AzureScoring, scorers: Scorers, at: Stand, lost: str
) -> None:
    scoring.score("flights", "champion", ROW)
    sent = at.service.requests(SCORE)[0]
    body = json.loads(sent.body)
    del body["input_data"][lost]
    again = type(sent)(
        sent.method, sent.path, sent.query, sent.headers, json.dumps(body).encode(), sent.names
    )
    answer = at.service.answer(again)
    assert answer is not None
    assert answer.status == 424


@pytest.mark.parametrize(("lost", "status"), [("authorization", 401), ("content-type", 424)])
def test_the_double_takes_no_request_with_a_header_less(
    scoring: AzureScoring, at: Stand, lost: str, status: int
) -> None:
    scoring.score("flights", "champion", ROW)
    sent = at.service.requests(SCORE)[0]
    headers = {name: value for name, value in sent.headers.items() if name != lost}
    answer = at.service.answer(
        type(sent)(sent.method, sent.path, sent.query, headers, sent.body, sent.names)
    )
    assert answer is not None
    assert answer.status == status


# Evaluation rows


def test_evaluation_rows_lie_where_the_tag_says(make: Callable[..., AzureScoring]) -> None:
    asked: list[str] = []
    table = pa.table({"label": [1.0], "time": [datetime(2013, 7, 4, tzinfo=UTC)]})

    def read(address: str) -> pa.Table:
        asked.append(address)
        return table

    cards = Cards(tags={EVALUATION: "https://x/evaluation.parquet"})
    assert make(cards, read_table=read).evaluation("flights", "champion") is table
    assert asked == ["https://x/evaluation.parquet"]
    assert make(Cards(), read_table=read).evaluation("flights", "champion") is None
