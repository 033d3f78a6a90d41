"""Names of blobs in states and lines, told from hashes of other things."""

from __future__ import annotations

import pytest

from fleet.named_blobs import named

A, B, C = "a" * 64, "b" * 64, "c" * 64

VALUES: list[tuple[object, list[str]]] = [
    ({"what": "joined", "rows": A}, [A]),
    ({"windows": {"past": {"2026-03-01": {"sketch": A, "joined": B, "rows": 5}}}}, [A, B]),
    ({"run": {"job": {"inputs": {"2026-03-01": A}, "tags": {"dataset_hash": C}}}}, [A]),
    ({"promotion": {"scores": {C: A}}}, [A]),
    ({"format": 1, "ruler": A, "slices": [["2026-03-01", B, C, 5]]}, [A, B, C]),
    ({"champion": A, "version": B, "policy": C}, []),
    ({"rows": 5, "report": "", "reference": None, "labels": [A.upper(), A[:-1]]}, []),
    ([{"what": "reference", "reference": A}, {"what": "assessed", "report": B}], [A, B]),
    (None, []),
]  # fmt: skip


@pytest.mark.parametrize(("value", "names"), VALUES)
def test_only_fields_of_blobs_name_blobs(value: object, names: list[str]) -> None:
    assert list(named(value)) == names
