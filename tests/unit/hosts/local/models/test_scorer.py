from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from engine.errors import Refused
from hosts.local.models import scorer as scoring
from hosts.local.models.scorer import ModelFailed, Scorer, Scorers

pytestmark = pytest.mark.usefixtures("outside")

MODEL = """\
name: flights
version: {version}
features: [a, b]
entry: scoring:score
training_window: {{from: 2013-01-01, to: 2013-03-29}}
"""
SUM = """\
import numpy as np
def score(rows, folder):
    return np.asarray(rows["a"]) + np.asarray(rows["b"])
"""
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a version's folder around the source of its entry."""

    def write(source: str = SUM, version: str = "v1") -> Path:
        folder = tmp_path / "models" / "flights" / version
        folder.mkdir(parents=True)
        (folder / "model.yaml").write_text(MODEL.format(version=version))
        (folder / "scoring.py").write_text(source)
        return folder

    return write


@pytest.fixture
def scorer_of(make: Make) -> Iterator[Callable[..., Scorer]]:
    scorers: list[Scorer] = []

    def open_scorer(source: str = SUM, time_limit: float = 20.0) -> Scorer:
        scorers.append(Scorer(make(source), time_limit))
        return scorers[-1]

    yield open_scorer
    for scorer in scorers:
        scorer.close()


ROWS = pa.table({"a": [0.25, 0.5], "b": [0.125, 0.25]})
Open = Callable[..., Scorer]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_scores_come_back_one_per_row(scorer_of: Open) -> None:
    scores = scorer_of().score(ROWS)
    assert scores.dtype == np.float64
    assert scores.tolist() == [0.375, 0.75]


def test_no_rows_no_scores(scorer_of: Open) -> None:
    assert scorer_of().score(ROWS.slice(0, 0)).tolist() == []


def test_a_table_larger_than_a_pipe_goes_through(scorer_of: Open) -> None:
    ones = np.ones(200_000)
    assert scorer_of().score(pa.table({"a": ones, "b": ones})).sum() == 400_000


def test_strings_nulls_and_dictionaries_arrive_as_they_are(scorer_of: Open) -> None:
    source = (
        "def score(rows, folder):\n"
        "    kinds = [str(rows.schema.field(n).type) for n in rows.column_names]\n"
        "    assert kinds == ['string', 'dictionary<values=string, indices=int32, ordered=0>']\n"
        "    return [0.0 if v is None else 1.0 for v in rows['a'].to_pylist()]\n"
    )
    rows = pa.table({"a": ["x", None], "b": pa.array(["y", "z"]).dictionary_encode()})
    assert scorer_of(source).score(rows).tolist() == [1.0, 0.0]


def test_the_entry_is_loaded_once_and_keeps_what_it_loads(scorer_of: Open) -> None:
    source = (
        "calls = []\ndef score(rows, folder):\n    calls.append(1)\n    return [len(calls)] * 2\n"
    )
    scorer = scorer_of(source)
    assert [scorer.score(ROWS)[0] for _ in range(3)] == [1.0, 2.0, 3.0]


def test_the_entry_gets_its_folder_and_finds_modules_there_first(make: Make) -> None:
    folder = make(
        "from files import answer\n"
        "def score(rows, folder):\n"
        "    return [float((folder / 'weights').read_text()) + answer] * 2\n"
    )
    (folder / "weights").write_text("0.5")
    (folder / "files.py").write_text("answer = 42\n")
    with Scorer(folder) as scorer:
        assert scorer.score(ROWS).tolist() == [42.5, 42.5]


def test_then_the_working_directory(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "engine.py").write_text("answer = 7\n")
    monkeypatch.chdir(tmp_path / "mine")
    with Scorer(make("import shared_scoring as s\nscore = s.score\n")) as scorer:
        (tmp_path / "mine" / "shared_scoring.py").write_text(
            "def score(rows, folder): return [7.0, 7.0]\n"
        )
        assert scorer.score(ROWS).tolist() == [7.0, 7.0]


def test_printing_does_not_corrupt_the_answer(scorer_of: Open) -> None:
    source = (
        "import os, sys\nprint('loading')\n"
        "def score(rows, folder):\n"
        "    print('x' * 300_000); sys.stdout.flush(); os.write(1, b'raw'); os.system('echo hi')\n"
        "    assert sys.stdin.read() == ''\n"
        "    return [1, 2]\n"
    )
    assert scorer_of(source).score(ROWS).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def score(r, f):\n    raise KeyError('dep\\ndelay')\n", "KeyError: 'dep\\ndelay'"),
        ("def score(r, f):\n    raise ValueError('two\\nlines')\n", "ValueError: two lines"),
        ("import nowhere_to_be_found\n", "ModuleNotFoundError: No module named"),
        ("def score(r, f)\n", "SyntaxError: "),
        ("other = 1\n", "AttributeError: module 'scoring' has no attribute 'score'"),
        ("def score(r, f):\n    return ['a', 'b']\n", "ValueError: could not convert"),
        ("def score(r, f):\n    return [[1.0], [2.0]]\n", "ValueError: the entry returned 2 dim"),
        ("def score(r, f):\n    return [1.0]\n", "1 scores for 2 rows"),
        ("import sys\ndef score(r, f):\n    sys.exit('no')\n", "SystemExit: no"),
    ],
)
def test_what_the_model_raises_is_one_line_with_its_version(
    scorer_of: Open, source: str, reason: str
) -> None:
    with pytest.raises(ModelFailed) as caught:
        scorer_of(source).score(ROWS)
    assert str(caught.value).startswith(f"flights v1: {reason}")
    assert "\n" not in str(caught.value)


def sampled(cases: dict[str, str], *always: str) -> list[Any]:
    """Every case starts a process: some run always, the others are slow."""
    return [
        pytest.param(source, id=name, marks=[] if name in always else [pytest.mark.slow])
        for name, source in cases.items()
    ]


#: What takes a gigabyte and more, each in its own way.
HUNGRY = {
    "an array": "    np.ones(1 << 28).sum()\n",
    "bytes": "    bytearray(3 << 29)\n",
    "a list": "    [float(n) for n in range(1 << 26)]\n",
    "arrow": "    pa.array(np.ones(1 << 27)).cast(pa.string())\n",
    "a text": "    ('x' * 1000).encode() * (1 << 21)\n",
    "scores without end": "    return np.ones(1 << 28)\n",
}


@pytest.mark.parametrize("source", sampled(HUNGRY, "an array", "scores without end"))
def test_a_hungry_model_fails_alone(
    scorer_of: Open, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setattr(scoring, "memory_limit", lambda: 1 << 29)
    body = f"    if r['a'][0].as_py() > 0:\n    {source}    return [1.0] * len(r)\n"
    hungry = scorer_of(f"import numpy as np\nimport pyarrow as pa\ndef score(r, f):\n{body}")
    with pytest.raises(ModelFailed, match=r"^flights v1: .*(emory|malloc|killed|alloc)"):
        hungry.score(pa.table({"a": [1.0]}))
    assert hungry.score(pa.table({"a": [0.0]})).tolist() == [1.0]


#: Frames that are no answer, by what the model's code writes past the worker.
FRAMES = {
    "a length of exabytes": "(1 << 62).to_bytes(8, 'little')",
    "all ones": "b'\\xff' * 8",
    "a gigabyte": "(1 << 30).to_bytes(8, 'little')",
    "text": "b'loading the model...'",
    "one byte too many": "(2002).to_bytes(8, 'little')",
}


@pytest.mark.parametrize("written", sampled(FRAMES, "all ones", "one byte too many"))
def test_an_answer_longer_than_any_is_not_read(scorer_of: Open, written: str) -> None:
    source = (
        "import os\n"
        "def score(r, f):\n"
        "    if r['a'][0].as_py() > 0:\n"
        "        for fd in range(3, 20):\n"
        "            try:\n"
        f"                os.write(fd, {written})\n"
        "            except OSError:\n"
        "                pass\n"
        "    return [1.0]\n"
    )
    loud = scorer_of(source)
    with pytest.raises(ModelFailed, match=r"an answer of [0-9,]+ bytes for 1 rows"):
        loud.score(pa.table({"a": [1.0]}))
    assert loud.score(pa.table({"a": [0.0]})).tolist() == [1.0]


FORGED = {
    "nothing": (b"", "no frame, 0 bytes"),
    "no kind": (b"?12345678", "no frame, 9 bytes"),
    "half a score": (b"+1234567", "no frame, 8 bytes"),
    "no score": (b"+", "0 scores for 1 rows"),
    "an error that is no text": (b"-\xff\xfe", "flights v1: \ufffd\ufffd"),
    "an error without a reason": (b"-", "flights v1: $"),
    "pickled": (b"\x80\x04K\x01.", "no frame, 5 bytes"),
}


def test_an_answer_that_the_model_forged_is_its_failure(scorer_of: Open) -> None:
    source = (
        "import os, struct\n"
        f"FRAMES = {[frame for frame, _ in FORGED.values()]!r}\n"
        "def score(r, f):\n"
        "    frame = FRAMES[int(r['a'][0].as_py())]\n"
        "    for fd in range(3, 20):\n"
        "        try:\n"
        "            os.write(fd, struct.pack('<Q', len(frame)) + frame)\n"
        "        except OSError:\n"
        "            pass\n"
        "    os._exit(0)\n"
    )
    liar = scorer_of(source)
    for number, (_, told) in enumerate(FORGED.values()):
        with pytest.raises(ModelFailed, match=told):
            liar.score(pa.table({"a": [float(number)]}))
        liar.close()


def test_many_more_scores_than_rows_are_not_read(scorer_of: Open) -> None:
    many = scorer_of("def score(r, f):\n    return [1.0] * 100_000\n")
    with pytest.raises(ModelFailed, match="an answer of 800,001 bytes for 2 rows"):
        many.score(ROWS)


def test_rows_over_a_frame_are_refused_before_they_are_sent(
    scorer_of: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "LONGEST", 1000)
    with pytest.raises(Refused, match=r"flights v1: [0-9,]+ bytes of rows at once, over 1,000"):
        scorer_of().score(pa.table({"a": np.ones(200), "b": np.ones(200)}))


def test_after_an_error_the_same_process_goes_on(scorer_of: Open) -> None:
    scorer = scorer_of("def score(r, f):\n    return [1.0 / v for v in r['a'].to_pylist()]\n")
    with pytest.raises(ModelFailed, match="ZeroDivisionError"):
        scorer.score(pa.table({"a": [0.0], "b": [0.0]}))
    first = scorer.pid
    assert scorer.score(pa.table({"a": [2.0], "b": [0.0]})).tolist() == [0.5]
    assert scorer.pid == first


def test_a_missing_score_is_nan(scorer_of: Open) -> None:
    scores = scorer_of("def score(r, f):\n    return [0.5, float('nan')]\n").score(ROWS)
    assert scores[0] == 0.5
    assert np.isnan(scores[1])


def test_a_worker_killed_between_calls_is_started_again(scorer_of: Open) -> None:
    scorer = scorer_of()
    scorer.score(ROWS)
    first = scorer.pid
    assert first
    os.kill(first, signal.SIGKILL)
    assert scorer.score(ROWS).tolist() == [0.375, 0.75]
    assert scorer.pid != first


def test_a_worker_killed_while_scoring_is_started_again(scorer_of: Open, tmp_path: Path) -> None:
    once = tmp_path / "once"
    source = (
        "import os, pathlib, signal\n"
        "def score(r, f):\n"
        f"    once = pathlib.Path({str(once)!r})\n"
        "    if not once.exists():\n"
        "        once.touch()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return [1.0, 1.0]\n"
    )
    assert scorer_of(source).score(ROWS).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("death", "reason"),
    [("os._exit(3)", "exited with code 3"), ("os.kill(os.getpid(), 9)", "killed by signal 9")],
)
def test_one_that_dies_every_time_is_an_error_not_a_loop(
    scorer_of: Open, death: str, reason: str
) -> None:
    with pytest.raises(ModelFailed, match=f"flights v1: its worker .*{reason} twice in a row"):
        scorer_of(f"import os\ndef score(r, f):\n    {death}\n").score(ROWS)


def test_a_call_that_hangs_is_cut_off_and_its_process_killed(scorer_of: Open) -> None:
    source = "import time\ndef score(r, f):\n    time.sleep(r['a'][0].as_py())\n    return [1.0]\n"
    scorer = scorer_of(source, time_limit=2.0)
    scorer.score(pa.table({"a": [0.0]}))
    hung = scorer.pid
    assert hung
    began = time.monotonic()
    with pytest.raises(ModelFailed, match="no answer within 2 s"):
        scorer.score(pa.table({"a": [60.0]}))
    assert time.monotonic() - began < 4.0
    assert not _alive(hung)
    assert scorer.score(pa.table({"a": [0.0]})).tolist() == [1.0]


def test_one_that_never_reads_a_large_table_is_cut_off_too(scorer_of: Open) -> None:
    scorer = scorer_of("import time\ntime.sleep(60)\n", time_limit=1.0)
    ones = np.ones(200_000)
    with pytest.raises(ModelFailed, match="no answer within 1 s"):
        scorer.score(pa.table({"a": ones, "b": ones}))


def test_the_model_sees_no_secret(scorer_of: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "hush")
    source = "import os\ndef score(r, f):\n    raise ValueError(sorted(os.environ))\n"
    with pytest.raises(ModelFailed) as caught:
        scorer_of(source).score(ROWS)
    assert "PATH" in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_a_wrong_model_file_is_refused_before_anything_starts(make: Make) -> None:
    folder = make()
    (folder / "model.yaml").write_text("name: flights\n")
    with pytest.raises(Refused, match=r"model\.yaml"):
        Scorer(folder)


def test_close_kills_the_process(scorer_of: Open) -> None:
    scorer = scorer_of()
    scorer.score(ROWS)
    pid = scorer.pid
    assert pid
    scorer.close()
    assert not _alive(pid)


def test_only_so_many_workers_live_and_the_least_recently_used_goes(make: Make) -> None:
    folders = [make(version=f"v{n}") for n in range(3)]
    with Scorers(limit=2) as scorers:
        for folder in (folders[0], folders[1], folders[0]):
            scorers.scorer(folder).score(ROWS)
        kept, closed = (scorers.scorer(folder).pid for folder in folders[:2])
        scorers.scorer(folders[0])
        scorers.scorer(folders[2]).score(ROWS)
        assert kept
        assert closed
        assert _alive(kept)
        assert not _alive(closed)
        assert scorers.scorer(folders[1]).score(ROWS).tolist() == [0.375, 0.75]
    assert not _alive(kept)


def test_the_round_trip_costs_two_milliseconds_at_most(scorer_of: Open) -> None:
    scorer = scorer_of("import numpy as np\ndef score(r, f):\n    return np.zeros(len(r))\n")
    rows = pa.table({f"f{n}": np.random.default_rng(n).random(250) for n in range(18)})
    scorer.score(rows)
    walls = []
    for _ in range(51):
        began = time.perf_counter()
        assert not scorer.score(rows).any()
        walls.append(time.perf_counter() - began)
    assert min(walls) <= 0.002
