"""What a partition keeps: fingerprints, and a size that stays small."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from engine import codec
from engine.head import MAX_STATE_BYTES
from fleet.model.records import Batch, Collection
from fleet.model.slices.service import Silence
from fleet.model.slices.windows import Past, Window, Windows, fingerprint
from fleet.model.state import Model
from monitoring.drift.verdict import Verdict
from monitoring.drift.why import Happening
from monitoring.traffic import KEPT, Heard

NOW = datetime(2024, 3, 4, tzinfo=UTC)


def test_a_fingerprint_names_a_set() -> None:
    assert fingerprint(["a", "b"]) == fingerprint(["b", "a", "a"]) != fingerprint(["a"])
    assert fingerprint([]) == ""


def test_what_is_assessed_are_inputs_and_what_is_joined_everything() -> None:
    batch, other = Batch("d", 1, "r1", "s1"), Batch("d", 1, "r2", "s2")
    empty = Window(NOW, NOW)
    assert (empty.assess_of, empty.join_of) == ("", "")
    inputs = empty.add(batch, Collection.inputs, "")
    labelled = inputs.add_labels("l")
    scored = inputs.add(other, Collection.outputs, "v1")
    assert inputs.assess_of == labelled.assess_of == scored.assess_of != ""
    assert len({inputs.join_of, labelled.join_of, scored.join_of}) == 3


def test_five_hundred_features_and_thirty_windows_fit_into_the_head() -> None:
    """Ids and verdicts only: a state must never grow with rows or bins."""
    names = tuple(f"feature-{i:03}" for i in range(500))
    windows = Windows()
    for i in range(150):
        day = (date(2024, 1, 1) + timedelta(days=i)).isoformat()
        past = Past(10**6, 10**6, f"{i:064x}", f"{i + 1:064x}", "strike", Verdict.DRIFTED)
        flagged = names if i >= 147 else ()
        windows = windows.remember(day, replace(past, flagged=flagged))
    for i in range(30):
        batches = tuple(Batch(str(i), 10, f"{i:032x}{j:032x}", f"{j:064x}") for j in range(24))
        windows = windows.put(str(i), Window(NOW, NOW, batches, (), batches))
    heard = Heard(480_000, tuple((i * 7919) % 1_000_003 for i in range(KEPT)))
    late = {f"2024-03-{i:02}": 86_400 + i for i in range(1, 15)}
    happened = tuple(Happening(NOW + timedelta(seconds=i), f"{i:0120x}") for i in range(20))
    silence = Silence(heard, late, NOW, NOW, NOW)
    model = Model(windows=windows, silence=silence, happened=happened)
    packed = codec.pack(codec.encode(model))
    assert len(packed) < MAX_STATE_BYTES
    assert codec.decode(Model, codec.unpack(packed)) == model
