from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binom

from engine.errors import Refused
from fleet.document.logs import Logs
from hosts.local.models.collector import digest
from hosts.local.models.registry import ModelFolders
from hosts.local.models.router import Endpoint, Router, bucket
from hosts.local.models.scorer import Scorers
from retrain.ports import Traffic

AT = datetime(2013, 7, 4, 9, tzinfo=UTC)
MODEL = """\
name: flights
version: {version}
features: [{features}]
entry: scoring:score
training_window: {{from: 2013-01-01, to: 2013-03-29}}
"""
CONSTANT = "def score(rows, folder):\n    return [{0}] * len(rows)\n"
BROKEN = "def score(rows, folder):\n    raise KeyError('delay')\n"
HALF = """\
def score(rows, folder):
    return [v / 100 if v < 50 else float("nan") for v in rows["a"].to_pylist()]
"""
NULLS = "def score(rows, folder):\n    return [float(rows['delay'].null_count)] * len(rows)\n"


@pytest.fixture(scope="module")
def scorers(outside: None) -> Iterator[Scorers]:
    with Scorers(limit=8) as live:
        yield live


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModelFolders:
    root = tmp_path_factory.mktemp("models")
    sources = {
        "v1": CONSTANT.format(0.25),
        "v2": CONSTANT.format(0.75),
        "v3": CONSTANT.format(0.5),
        "broken": BROKEN,
        "half": HALF,
        "nulls": NULLS,
    }
    for version, source in sources.items():
        folder = root / "flights" / version
        folder.mkdir(parents=True)
        features = "a, delay" if version == "nulls" else "a"
        (folder / "model.yaml").write_text(MODEL.format(version=version, features=features))
        (folder / "scoring.py").write_text(source)
    return ModelFolders(root)


@pytest.fixture
def open_router(tmp_path: Path, models: ModelFolders, scorers: Scorers) -> Callable[..., Router]:
    def build(**options: Any) -> Router:
        return Router(models, tmp_path / "logs", tmp_path / "traffic", scorers, **options)

    return build


@pytest.fixture
def router(open_router: Callable[..., Router]) -> Router:
    return open_router(duration=lambda model, version, request: 12.5)


def block(rows: int = 100) -> pa.Table:
    return pa.table(
        {
            "correlationid": [f"r{n}" for n in range(rows)],
            "time": [AT] * rows,
            "a": list(range(rows)),
        }
    )


def lines(tmp_path: Path, pattern: str) -> list[dict[str, Any]]:
    files = sorted((tmp_path / "logs").glob(f"{pattern}/**/*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_traffic_is_recorded_and_read_back(router: Router, open_router: Any) -> None:
    router.set_traffic("flights", Traffic({"v1": 100, "v3": 0}, ("v2",)), "k1")
    assert router.traffic("flights") == Traffic({"v1": 100}, ("v2",))
    assert open_router().traffic("flights") == Traffic({"v1": 100}, ("v2",))


@pytest.mark.parametrize("traffic", [Traffic({"unheard": 100}), Traffic({"v1": 100}, ("unheard",))])
def test_a_version_that_is_not_registered_gets_no_traffic(router: Router, traffic: Traffic) -> None:
    with pytest.raises(Refused, match="flights unheard: not in the registry"):
        router.set_traffic("flights", traffic, "k1")


def _no_card(folder: Path) -> None:
    (folder / "model.yaml").unlink()


def _bad_card(folder: Path) -> None:
    (folder / "model.yaml").write_text("{")


def _renamed(folder: Path) -> None:
    text = (folder / "model.yaml").read_text()
    (folder / "model.yaml").write_text(text.replace("name: flights", "name: trains"))


def _bad_tags(folder: Path) -> None:
    (folder / "tags.json").write_text("{")


def _no_features(folder: Path) -> None:
    text = (folder / "model.yaml").read_text()
    (folder / "model.yaml").write_text(text.replace("features: [a]", "features: []"))


@pytest.mark.parametrize("damage", [_no_card, _bad_card, _renamed, _bad_tags, _no_features])
def test_a_damaged_champion_takes_the_traffic_back_and_that_is_told(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    for version in ("v1", "v2"):
        folder = tmp_path / "models/flights" / version
        folder.mkdir(parents=True)
        (folder / "model.yaml").write_text(MODEL.format(version=version, features="a"))
    folders = ModelFolders(tmp_path / "models")
    router = Router(folders, tmp_path / "logs", tmp_path / "traffic", Scorers())
    router.set_traffic("flights", Traffic({"v2": 100}), "k1")
    damage(tmp_path / "models/flights/v1")
    with pytest.raises(Refused, match="v1"):
        router.set_traffic("flights", Traffic({"v1": 100}), "k2")
    router.set_traffic("flights", Traffic({"v1": 100}, retreat=True), "k3")
    held = router.traffic("flights")
    assert held == Traffic({"v1": 100})
    assert "v1" in held.unready


def test_a_champion_that_is_nowhere_takes_nothing_back(router: Router) -> None:
    """It would answer no request at all."""
    router.set_traffic("flights", Traffic({"v2": 100}), "k1")
    with pytest.raises(Refused, match="flights unheard: not in the registry"):
        router.set_traffic("flights", Traffic({"unheard": 100}, retreat=True), "k2")
    assert router.traffic("flights") == Traffic({"v2": 100})


def test_requests_without_a_live_version_are_refused(router: Router) -> None:
    with pytest.raises(Refused, match="no version gets live traffic"):
        router.serve("flights", block(), AT)


def test_one_version_serves_all_and_every_row_is_logged(router: Router, tmp_path: Path) -> None:
    router.set_traffic("flights", Traffic({"v1": 100}), "k1")
    written = router.serve("flights", block(), AT)
    assert len(lines(tmp_path, "modelDataCollector/flights/v1/model_inputs")) == 100
    outputs = lines(tmp_path, "modelDataCollector/flights/v1/model_outputs")
    assert [event["correlationid"] for event in outputs] == [f"r{n}" for n in range(100)]
    assert {event["data"][0]["score"] for event in outputs} == {0.25}
    traffic = lines(tmp_path, "traffic/flights")
    assert Counter((t["deployment"], t["status"], t["duration_ms"]) for t in traffic) == {
        ("v1", 200, 12.5): 100
    }
    sizes = {p: (tmp_path / "logs" / p).stat().st_size for p, _ in written}
    assert dict(written) == sizes
    assert len(written) == 3
    prefixes = sorted(path.rsplit("/2013/07/04/09/090000-")[0] for path in sizes)
    assert prefixes == [
        "modelDataCollector/flights/v1/model_inputs",
        "modelDataCollector/flights/v1/model_outputs",
        "traffic/flights",
    ]


def test_logs_are_written_under_the_raw_names(open_router: Any, tmp_path: Path) -> None:
    """Yardsticks, shadows, the declared latency and the split go by fleet.yaml's names."""
    asked: list[tuple[str, str]] = []

    def latency(model: str, version: str, request: str) -> float:
        asked.append((model, version))
        return 1.0

    names = Logs(endpoint="Raw_Flights", deployments={"v1": "Raw_Blue", "v3": "Raw_Zero"})
    router = open_router(duration=latency, endpoints={"flights": Endpoint(("v3",), logs=names)})
    router.set_traffic("flights", Traffic({"v1": 100}, ("v2",)), "k1")
    written = router.serve("flights", block(), AT)
    folders = {path.split("/2013/")[0] for path, _ in written}
    assert folders == {
        "modelDataCollector/Raw_Flights/Raw_Blue/model_inputs",
        "modelDataCollector/Raw_Flights/Raw_Blue/model_outputs",
        "modelDataCollector/Raw_Flights/Raw_Zero/model_outputs",
        "modelDataCollector/Raw_Flights/v2/model_outputs",
        "traffic/Raw_Flights",
    }
    assert {line["deployment"] for line in lines(tmp_path, "traffic/Raw_Flights")} == {"Raw_Blue"}
    (source,) = {
        line["source"]
        for line in lines(tmp_path, "modelDataCollector/Raw_Flights/Raw_Blue/model_inputs")
    }
    assert source == "/onlineEndpoints/Raw_Flights/deployments/Raw_Blue"
    assert set(asked) == {("flights", "v1")}
    assert router.traffic("flights") == Traffic({"v1": 100}, ("v2",))


def test_both_arms_of_a_canary_are_logged_apart(router: Router, tmp_path: Path) -> None:
    router.set_traffic("flights", Traffic({"v1": 90, "v2": 10}), "k1")
    router.serve("flights", block(1000), AT)
    served = {t["correlationid"]: t["deployment"] for t in lines(tmp_path, "traffic/flights")}
    assert len(served) == 1000
    for version, score in (("v1", 0.25), ("v2", 0.75)):
        mine = {request for request, by in served.items() if by == version}
        for collection in ("model_inputs", "model_outputs"):
            found = lines(tmp_path, f"modelDataCollector/flights/{version}/{collection}")
            assert {event["correlationid"] for event in found} == mine
        assert {event["data"][0]["score"] for event in found} == {score}


def test_the_split_keeps_its_weights(router: Router, tmp_path: Path) -> None:
    router.set_traffic("flights", Traffic({"v1": 90, "v2": 10}), "k1")
    router.serve("flights", block(5000), AT)
    canary = sum(t["deployment"] == "v2" for t in lines(tmp_path, "traffic/flights"))
    low, high = binom.ppf([1e-6, 1 - 1e-6], 5000, 0.10)
    assert low <= canary <= high


def test_more_weight_moves_only_the_rows_it_needs(router: Router, tmp_path: Path) -> None:
    served: list[dict[str, str]] = []
    for key, weight in enumerate((10, 50, 100)):
        router.set_traffic("flights", Traffic({"v1": 100 - weight, "v2": weight}), f"k{key}")
        router.serve("flights", block(1000), AT)
        served.append(
            {t["correlationid"]: t["deployment"] for t in lines(tmp_path, "traffic/flights")}
        )
    canaries = [{r for r, by in split.items() if by == "v2"} for split in served]
    assert canaries[0] < canaries[1] < canaries[2]


def test_buckets_are_even() -> None:
    counts = np.bincount([bucket(digest("flights", f"r{n}")) for n in range(50_000)])
    low, high = binom.ppf([1e-8, 1 - 1e-8], 50_000, 0.01)
    assert len(counts) == 100
    assert low <= counts.min()
    assert counts.max() <= high


def test_shadows_and_baselines_score_every_row_and_serve_none(
    open_router: Callable[..., Router], tmp_path: Path
) -> None:
    router = open_router(endpoints={"flights": Endpoint(("v3",))})
    router.set_traffic("flights", Traffic({"v1": 100}, ("v2",)), "k1")
    router.serve("flights", block(), AT)
    for version in ("v1", "v2", "v3"):
        assert len(lines(tmp_path, f"modelDataCollector/flights/{version}/model_outputs")) == 100
    assert {t["deployment"] for t in lines(tmp_path, "traffic/flights")} == {"v1"}
    assert not lines(tmp_path, "modelDataCollector/flights/v[23]/model_inputs")


def test_a_mirror_shows_a_shadow_its_share_of_either_arm(
    open_router: Callable[..., Router], tmp_path: Path
) -> None:
    router = open_router(endpoints={"flights": Endpoint(("v3",), mirror=30)})
    router.set_traffic("flights", Traffic({"v1": 50, "v3": 50}, ("v2",)), "k1")
    router.serve("flights", block(4_000), AT)

    def ids(version: str, collection: str) -> set[str]:
        folder = f"modelDataCollector/flights/{version}/{collection}"
        return {line["correlationid"] for line in lines(tmp_path, folder)}

    seen, served = ids("v2", "model_outputs"), ids("v1", "model_inputs")
    low, high = binom.ppf([1e-6, 1 - 1e-6], 4_000, 0.3)
    assert low <= len(seen) <= high
    # What the mirror takes does not depend on who answers.
    low, high = binom.ppf([1e-6, 1 - 1e-6], len(served), 0.3)
    assert low <= len(seen & served) <= high
    assert len(ids("v3", "model_outputs")) == 4_000


def test_a_baseline_that_is_live_too_scores_all_and_serves_its_own(
    open_router: Callable[..., Router], tmp_path: Path
) -> None:
    router = open_router(endpoints={"flights": Endpoint(("v1",))})
    router.set_traffic("flights", Traffic({"v1": 50, "v2": 50}), "k1")
    router.serve("flights", block(), AT)
    inputs = lines(tmp_path, "modelDataCollector/flights/v1/model_inputs")
    assert 0 < len(inputs) < 100
    assert len(lines(tmp_path, "modelDataCollector/flights/v1/model_outputs")) == 100
    assert len(lines(tmp_path, "traffic/flights")) == 100


def test_a_model_that_raises_is_a_424_and_the_others_go_on(router: Router, tmp_path: Path) -> None:
    router.set_traffic("flights", Traffic({"v1": 50, "broken": 50}), "k1")
    router.serve("flights", block(), AT)
    counts = Counter((t["deployment"], t["status"]) for t in lines(tmp_path, "traffic/flights"))
    assert set(counts) == {("v1", 200), ("broken", 424)}
    inputs = lines(tmp_path, "modelDataCollector/flights/broken/model_inputs")
    assert len(inputs) == counts["broken", 424]
    assert not lines(tmp_path, "modelDataCollector/flights/broken/model_outputs")


def test_a_shadow_that_raises_disturbs_nobody(router: Router, tmp_path: Path) -> None:
    router.set_traffic("flights", Traffic({"v1": 100}, ("broken",)), "k1")
    router.serve("flights", block(), AT)
    assert {t["status"] for t in lines(tmp_path, "traffic/flights")} == {200}
    assert not lines(tmp_path, "modelDataCollector/flights/broken")


def test_a_row_without_a_score_failed_alone(router: Router, tmp_path: Path) -> None:
    router.set_traffic("flights", Traffic({"half": 100}), "k1")
    router.serve("flights", block(), AT)
    assert Counter(t["status"] for t in lines(tmp_path, "traffic/flights")) == {200: 50, 424: 50}
    outputs = lines(tmp_path, "modelDataCollector/flights/half/model_outputs")
    assert [event["data"][0]["score"] for event in outputs] == [n / 100 for n in range(50)]


def test_a_feature_that_no_request_carries_is_null(router: Router, tmp_path: Path) -> None:
    router.set_traffic("flights", Traffic({"nulls": 100}), "k1")
    router.serve("flights", block(10), AT)
    outputs = lines(tmp_path, "modelDataCollector/flights/nulls/model_outputs")
    assert {event["data"][0]["score"] for event in outputs} == {10.0}
    assert {"a": 0} in [e["data"][0] for e in lines(tmp_path, "modelDataCollector/*/*/model_inp*")]


def test_serving_a_block_again_writes_the_same_files(router: Router, tmp_path: Path) -> None:
    router.set_traffic("flights", Traffic({"v1": 90, "v2": 10}, ("v3",)), "k1")
    first = router.serve("flights", block(), AT)
    contents = {path: (tmp_path / "logs" / path).read_bytes() for path, _ in first}
    assert router.serve("flights", block(), AT) == first
    assert {path: (tmp_path / "logs" / path).read_bytes() for path, _ in first} == contents
    found = {str(p.relative_to(tmp_path / "logs")) for p in (tmp_path / "logs").rglob("*.*")}
    assert found == set(contents)


def test_an_empty_block_writes_nothing(router: Router, tmp_path: Path) -> None:
    router.set_traffic("flights", Traffic({"v1": 100}), "k1")
    assert router.serve("flights", block(0), AT) == []
    assert not (tmp_path / "logs").exists()


def test_ids_are_unique_within_their_source(router: Router, tmp_path: Path) -> None:
    router.set_traffic("flights", Traffic({"v1": 90, "v2": 10}, ("v3",)), "k1")
    router.serve("flights", block(), AT)
    events = lines(tmp_path, "modelDataCollector")
    assert len({(event["source"], event["id"]) for event in events}) == len(events)


def test_a_measured_duration_is_the_time_the_arm_took(
    open_router: Callable[..., Router], tmp_path: Path
) -> None:
    router = open_router()
    router.set_traffic("flights", Traffic({"v1": 100}), "k1")
    began = time.perf_counter()
    router.serve("flights", block(), AT)
    wall = (time.perf_counter() - began) * 1000
    (duration,) = {t["duration_ms"] for t in lines(tmp_path, "traffic/flights")}
    assert 0 < duration < wall


def test_a_block_of_250_rows_and_18_features_on_three_arms_is_quick(router: Router) -> None:
    router.set_traffic("flights", Traffic({"v1": 90, "v2": 10}, ("v3",)), "k1")
    rng = np.random.default_rng(1)
    rows = block(250)
    for number in range(17):
        rows = rows.append_column(f"f{number}", pa.array(rng.random(250)))
    router.serve("flights", rows, AT)
    walls = []
    for _ in range(21):
        began = time.perf_counter()
        written = router.serve("flights", rows, AT)
        walls.append(time.perf_counter() - began)
    assert len(written) == 6
    assert min(walls) < 0.050
