"""`driftwarden check` on files as people have them: types, odd values, folders, faults."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.face.checking import check, named, report

CASES = Path(__file__).parents[1] / "resources" / "cases"
RNG_SEED = 5
Write = Callable[..., Path]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(RNG_SEED)


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["verdict"] for one in document["features"]}


def reasons(document: dict[str, Any], key: str) -> dict[str, str]:
    return {one["name"]: one["reason"] for one in document[key]}


def put(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def parquet(path: Path, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def csv(path: Path, **columns: Sequence[object]) -> Path:
    lines = [
        ",".join(columns),
        *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
    ]
    return put(path, "\n".join(lines) + "\n")


def jsonl(path: Path, **columns: Sequence[object]) -> Path:
    rows = zip(*columns.values(), strict=True)
    return put(
        path, "".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows)
    )


@pytest.mark.parametrize(
    ("case", "reference", "current", "options", "code", "drifted"),
    [
        ("target-only-in-reference", "reference.parquet", "yesterday.parquet", (), 0, []),
        ("row-index-and-autoincrement-id", "ref.csv", "cur.csv", (), 0, []),
        ("row-index-and-autoincrement-id", "ref.parquet", "cur.parquet", (), 0, []),
        ("row-index-and-autoincrement-id", "ref_id.csv", "cur_id.csv", (), 0, []),
        ("timestamp-units-across-files", "ref", "cur", (), 0, []),
        ("invalid-utf8-in-parquet-text", "ref.parquet", "cur.parquet", (), 0, []),
        ("zip-codes-csv-vs-parquet", "ref.parquet", "cur.csv", (), 0, []),
        ("zip-codes-csv-vs-parquet", "ref2.csv", "cur.csv", (), 0, []),
        ("codes-int-vs-float-because-of-nulls", "ref_text.parquet", "cur_int.parquet", (), 0, []),
        ("codes-int-vs-float-because-of-nulls", "ref_text.parquet", "cur_float.parquet", (), 0, []),
        (
            "codes-int-vs-float-because-of-nulls",
            "ref_text.parquet",
            "cur_dictint.parquet",
            (),
            0,
            [],
        ),
        ("one-odd-flag-in-csv-changes-spelling", "ref.csv", "cur.csv", (), 0, []),
        ("one-odd-flag-in-csv-changes-spelling", "cur.csv", "ref.csv", (), 0, []),
        ("one-placeholder-in-numeric-csv", "ref.csv", "cur.csv", (), 0, []),
        ("one-placeholder-in-numeric-csv", "cur.csv", "ref.csv", (), 0, []),
        ("one-placeholder-in-numeric-csv", "ref.jsonl", "cur.jsonl", (), 0, []),
        ("one-placeholder-in-numeric-csv", "cur.jsonl", "ref.jsonl", (), 0, []),
        ("hive-partitions", "ref", "cur", (), 1, ["region"]),
        ("hive-partitions", "ref.parquet", "cur", (), 1, ["region"]),
        ("folder-skips-files-silently", "ref.csv", "cur", (), 1, ["amount"]),
        ("namibia", "ref.parquet", "cur.csv", (), 0, []),
        ("namibia", "ref.csv", "cur.csv", (), 0, []),
        (
            "category-ids-as-integers",
            "ref.parquet",
            "cur.parquet",
            ("--categorical", "store_id"),
            1,
            ["store_id"],
        ),
        ("category-ids-as-integers", "ref_text.parquet", "cur.parquet", (), 1, ["store_id"]),
        ("category-ids-as-integers", "ref_text.parquet", "cur_text.parquet", (), 1, ["store_id"]),
        ("readme-collector-lines", "ref.jsonl", "cur.jsonl", (), 1, ["amount"]),
        ("dup-columns-and-init", "trail.csv", "trail.csv", (), 0, []),
    ],
)
def test_a_case_has_its_verdict(
    case: str,
    reference: str,
    current: str,
    options: tuple[str, ...],
    code: int,
    drifted: list[str],
) -> None:
    found, document = report(CASES / case / reference, CASES / case / current, *options)
    told = verdicts(document)
    assert [name for name, verdict in told.items() if verdict == "drifted"] == drifted
    assert {verdict for name, verdict in told.items() if name not in drifted} <= {"stable"}
    assert found == code


@pytest.mark.parametrize(
    ("case", "reference", "current", "told"),
    [
        ("one-odd-flag-in-csv-changes-spelling", "ref.csv", "cur.csv", "'Unknown'"),
        ("one-placeholder-in-numeric-csv", "ref.csv", "cur.csv", "column income: 1 value that"),
        ("one-placeholder-in-numeric-csv", "ref.jsonl", "cur.jsonl", "the first is '?'"),
        (
            "hive-partitions",
            "ref",
            "cur",
            "files of zero bytes left out (1): region=eu/empty.parquet",
        ),
    ],
)
def test_what_was_not_read_is_named(case: str, reference: str, current: str, told: str) -> None:
    _, _, err = check(CASES / case / reference, CASES / case / current, "--json")
    assert told in err
    assert err.count("\n") == 1


def test_a_name_that_repeats_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    body = CASES / "dup-columns-and-init" / "dup.csv"
    folder = put(tmp_path / "f" / "a.csv", "a,b\n1,2\n").parent
    put(folder / "b.tsv", "a\tb\tb\n1\t2\t3\n")
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(twice, tmp_path / "t.parquet")
    for path in (body, folder, tmp_path / "t.parquet"):
        code, out, err = check(path, path)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "two columns are called" in err


LEFT_OUT = {
    "row numbers": ("rows", range(1_000), "whole numbers in order: row numbers"),
    "falling numbers": ("left", range(1_000, 0, -1), "whole numbers in order: row numbers"),
    "shuffled ids": ("order", None, "whole numbers that are all different: ids"),
    "ids as floats": ("member_no", None, "whole numbers that are all different: ids"),
    "pandas' index": ("__index_level_0__", [1, 2] * 500, "pandas' row index"),
    "ISO days": ("seen", ["2026-08-01", "2026-08-02"] * 500, "dates as text"),
    "ISO instants": ("at", ["2026-08-01T10:00:00Z", "2026-08-02 11:30"] * 500, "dates as text"),
    "American days": ("ship", ["8/1/2026", "8/22/2026"] * 500, "dates as text"),
    "German days": ("gesehen", ["01.08.2026", "22.08.2026 10:15"] * 500, "dates as text"),
    "lists": ("tags", [[1], [2]] * 500, "a nested value"),
}


@pytest.mark.parametrize("what", LEFT_OUT)
def test_what_numbers_or_dates_rows_is_left_out(
    tmp_path: Path, rng: np.random.Generator, what: str
) -> None:
    name, known, reason = LEFT_OUT[what]
    values: Any = known
    if values is None:
        values = rng.permutation(1_000) * (1.0 if "float" in what else 1)
    path = parquet(tmp_path / "r.parquet", **{name: pa.array(values), "x": rng.normal(size=1_000)})
    code, document = report(path, path)
    assert (code, verdicts(document)) == (0, {"x": "stable"})
    assert reasons(document, "not_compared") == {name: reason}
    if what != "lists":
        _, document = report(path, path, "--features", f"x,{name}")
        assert set(verdicts(document)) | set(reasons(document, "ignored")) == {"x", name}


@pytest.mark.parametrize(
    "values",
    [
        np.arange(1_000) // 10,
        np.sort(np.random.default_rng(1).integers(18, 90, 1_000)),
        np.random.default_rng(1).integers(100, 10**9, 1_000),
        np.random.default_rng(1).integers(0, 5, 1_000),
        np.random.default_rng(1).permutation(20),
    ],
    ids=["steps", "sorted ages", "amounts in cents", "few values", "twenty rows"],
)
def test_whole_numbers_that_measure_something_stay(tmp_path: Path, values: np.ndarray) -> None:
    path = parquet(tmp_path / "r.parquet", v=values)
    _, document = report(path, path)
    assert list(verdicts(document)) == ["v"]
    assert document["not_compared"] == []


def test_a_counter_that_rows_share_is_left_out_where_current_goes_on(tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=1_000)
    before = parquet(tmp_path / "r.parquet", order=np.arange(1_000) * 3 // 4, x=x)
    after = parquet(tmp_path / "c.parquet", order=800 + np.arange(1_000) * 3 // 4, x=x)
    code, document = report(before, after)
    assert (code, verdicts(document)) == (0, {"x": "stable"})
    assert list(reasons(document, "not_compared")) == ["order"]


@pytest.mark.parametrize(
    "name",
    ["label", "target", "y", "y_pred", "prediction", "score", "day", "time", "correlationid"],
)
def test_a_column_that_current_cannot_have_yet_is_left_out(tmp_path: Path, name: str) -> None:
    x = np.random.default_rng(1).normal(size=500)
    before = parquet(tmp_path / "r.parquet", **{name: [0, 1] * 250, "x": x})
    code, document = report(before, parquet(tmp_path / "c.parquet", x=x))
    assert (code, verdicts(document)) == (0, {"x": "stable"})
    assert reasons(document, "not_compared") == {
        name: "missing in current, where it may not be known yet"
    }
    code, document = report(tmp_path / "c.parquet", before)
    assert (code, reasons(document, "not_compared")) == (0, {name: "only in current"})


UNUNIFIED = {
    "units of time": (
        pa.array([0] * 100, pa.timestamp("us")),
        pa.array([0] * 100, pa.timestamp("ns")),
    ),
    "day and text": (pa.array([0] * 100, pa.date32()), pa.array(["a"] * 100)),
    "bytes and text": (pa.array([b"a"] * 100), pa.array(["a"] * 100)),
    "list and number": (pa.array([[1]] * 100), pa.array([1] * 100)),
    "zone and no zone": (
        pa.array([0] * 100, pa.timestamp("us")),
        pa.array([0] * 100, pa.timestamp("us", "UTC")),
    ),
    "struct and number": (pa.array([{"a": 1}] * 100), pa.array([1.5] * 100)),
}


@pytest.mark.parametrize("what", UNUNIFIED)
@pytest.mark.parametrize("side", ["reference", "current"])
def test_types_that_differ_by_file_cost_one_column(tmp_path: Path, what: str, side: str) -> None:
    x = np.arange(100) % 7
    for number, values in enumerate(UNUNIFIED[what]):
        parquet(tmp_path / "f" / f"{number}.parquet", v=values, x=x)
    one = parquet(tmp_path / "one.parquet", v=x, x=x)
    pair = (tmp_path / "f", one) if side == "reference" else (one, tmp_path / "f")
    code, document = report(*pair)
    assert (code, verdicts(document)) == (0, {"x": "stable"})
    assert " in some files and " in reasons(document, "ignored")["v"]


NUMBERS_BESIDE_TEXT = {
    "decimal and text": (
        pa.array([10, 20] * 50, pa.decimal128(9, 2)),
        pa.array(["10.00", "20"] * 50),
    ),
    "int and text": (pa.array([10, 20] * 50), pa.array(["10", "20"] * 50)),
    "float and dictionary": (
        pa.array([10.0, 20.0] * 50),
        pa.array(["10", "20"] * 50).dictionary_encode(),
    ),
    "int and float": (pa.array([10, 20] * 50), pa.array([10.0, 20.0] * 50)),
    "int and nothing": (pa.array([10, 20] * 50), pa.nulls(100)),
}


@pytest.mark.parametrize("what", NUMBERS_BESIDE_TEXT)
def test_numbers_beside_text_are_one_column_of_numbers(tmp_path: Path, what: str) -> None:
    for number, values in enumerate(NUMBERS_BESIDE_TEXT[what]):
        parquet(tmp_path / "f" / f"{number}.parquet", v=values)
    code, document = report(tmp_path / "f", tmp_path / "f")
    assert (code, named(document, "v")["kind"]) == (0, "numeric")
    assert named(document, "v")["n_current"] == (100 if "nothing" in what else 200)


def broken(kind: pa.DataType, n: int = 100) -> pa.Array:
    """Make a column of text whose bytes are no UTF-8, as a writer that checks nothing does."""
    return (
        pa.array([b"caf\xe9", b"th\xe9"] * (n // 2), pa.binary())
        .cast(pa.binary())
        .view(pa.string())
        .cast(kind, safe=False)
    )


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_text_in_another_encoding_costs_one_column(tmp_path: Path, kind: pa.DataType) -> None:
    x = np.arange(100) % 7
    bad = parquet(tmp_path / "bad.parquet", v=broken(kind), x=x)
    good = parquet(tmp_path / "good.parquet", v=["café", "thé"] * 50, x=x)
    latin = put(tmp_path / "l.csv", b"v,x\n" + b"".join(b"caf\xe9,%d\n" % i for i in x))
    for pair in ((bad, good), (good, bad), (bad, bad), (latin, good), (good, latin)):
        code, document = report(*pair)
        assert (code, verdicts(document)) == (0, {"x": "stable"})
        assert "UTF8" in reasons(document, "ignored")["v"]


def test_nothing_left_is_refused_with_the_reason(tmp_path: Path) -> None:
    bad = parquet(tmp_path / "bad.parquet", v=broken(pa.string()))
    code, out, err = check(bad, bad)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "nothing is left to compare: v: " in err
    code, _, err = check(bad, bad, "--segment", "v")
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    "codes",
    [
        ["02139", "10001", "90210", "00501"],
        ["007", "100", "250"],
        ["0930", "1200", "1745"],
        ["00", "01", "10"],
        ["0049123", "1555123", "0033123"],
        ["01", "2", "03"],
    ],
)
def test_codes_keep_their_zeros(tmp_path: Path, codes: list[str]) -> None:
    values = codes * 60
    before = csv(tmp_path / "r.csv", code=values)
    after = parquet(tmp_path / "c.parquet", code=values)
    for pair in ((before, before), (before, after), (after, before)):
        code, document = report(*pair)
        assert (code, named(document, "code")["kind"]) == (0, "categorical")
        assert {one["label"] for one in named(document, "code")["bins"]} == set(codes)


def test_a_number_with_a_zero_too_many_makes_no_code(tmp_path: Path) -> None:
    amounts = [str(amount) for amount in range(3_000, 0, -1)] + ["007"]
    random = np.random.default_rng(1).permutation(amounts + amounts).tolist()
    _, document = report(csv(tmp_path / "r.csv", v=random), tmp_path / "r.csv")
    assert named(document, "v")["kind"] == "numeric"


@pytest.mark.parametrize("word", ["?", "-", "unknown", "#REF!", "missing", "n. a."])
@pytest.mark.parametrize("share", [0.0004, 0.3])
@pytest.mark.parametrize("write", [csv, jsonl])
def test_a_placeholder_among_numbers_is_a_missing_value_with_a_name(
    tmp_path: Path, rng: np.random.Generator, word: str, share: float, write: Write
) -> None:
    sides = []
    for name in "rc":
        values: list[object] = rng.normal(size=2_500).round(4).tolist()
        for place in rng.choice(2_500, int(share * 2_500), replace=False).tolist():
            values[place] = word
        sides.append(write(tmp_path / f"{name}.{write.__name__}", v=values))
    reference, current = sides
    code, out, err = check(reference, current, "--json")
    found = named(json.loads(out), "v")
    assert (code, found["kind"], found["verdict"]) == (0, "numeric", "stable")
    assert found["missing_current"] == int(share * 2_500)
    assert err.count("\n") == 2
    assert err.count(f"counted as missing, the first is {word!r}") == 2


@pytest.mark.parametrize("write", [csv, jsonl])
def test_half_of_the_values_turned_to_words_is_told_as_such(tmp_path: Path, write: Write) -> None:
    values = np.random.default_rng(1).normal(size=400).round(3).tolist()
    before = write(tmp_path / f"r.{write.__name__}", v=values)
    after = write(tmp_path / f"c.{write.__name__}", v=[*values[:190], *["low", "high"] * 105])
    code, document = report(before, after)
    assert (code, named(document, "v")["reason"]) == (
        1,
        "the column turned from numeric to categorical",
    )


@pytest.mark.parametrize("write", [csv, jsonl])
def test_a_level_that_is_no_number_stays_a_level(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path / f"r.{write.__name__}", rooms=["1", "2", "3+", "2", "4"] * 80)
    code, document = report(path, path)
    assert (code, named(document, "rooms")["kind"]) == (0, "categorical")


@pytest.mark.parametrize(
    "words", [("True", "False"), ("true", "false"), ("TRUE", "FALSE"), ("1", "0"), ("1.0", "0.0")]
)
@pytest.mark.parametrize("turned", [False, True])
def test_truth_values_are_one_in_every_spelling(
    tmp_path: Path, words: tuple[str, str], turned: bool
) -> None:
    flags = [bool(index % 3) for index in range(900)]
    before = parquet(tmp_path / "r.parquet", flag=flags)
    spelled = [words[flag if turned else not flag] for flag in flags]
    for pair in ((before, csv(tmp_path / "c.csv", flag=spelled)), (tmp_path / "c.csv", before)):
        code, document = report(*pair)
        assert (code, verdicts(document)["flag"]) == ((1, "drifted") if turned else (0, "stable"))


def test_many_odd_flags_are_a_level_of_their_own(tmp_path: Path) -> None:
    before = csv(tmp_path / "r.csv", flag=["True", "False"] * 300)
    after = csv(tmp_path / "c.csv", flag=["True", "False", "Unknown"] * 200)
    code, document = report(before, after)
    assert (code, named(document, "flag")["bins"][-1]["current"]) == (1, 200)


@pytest.mark.parametrize("word", ["NA", "nan", "NULL", "n/a", "null", "None"])
def test_a_word_for_nothing_is_a_level_where_the_reference_has_it(
    tmp_path: Path, word: str
) -> None:
    values = [word, "ZA", "AO"] * 200
    typed, text = parquet(tmp_path / "t.parquet", c=values), csv(tmp_path / "t.csv", c=values)
    for pair in ((typed, text), (text, typed), (text, text)):
        code, document = report(*pair)
        found = named(document, "c")
        assert (code, found["missing_current"], found["missing_reference"]) == (0, 0, 0)


@pytest.mark.parametrize("word", ["NA", "nan", "NULL", "n/a", "null"])
def test_a_word_for_nothing_is_a_missing_value_where_a_typed_side_has_none(
    tmp_path: Path, word: str
) -> None:
    values = [None, "ZA", "AO"] * 200
    typed = parquet(tmp_path / "t.parquet", c=values)
    text = csv(tmp_path / "t.csv", c=[value or word for value in values])
    for pair in ((typed, text), (text, typed)):
        code, document = report(*pair)
        found = named(document, "c")
        assert (code, found["missing_current"], found["missing_reference"]) == (0, 200, 200)


@pytest.mark.parametrize(
    ("folders", "kind", "missing"),
    [
        (["region=eu", "region=us"], "categorical", 0),
        (["year=2024", "year=2025"], "numeric", 0),
        (["region=a%20b", "region=c%2Fd"], "categorical", 0),
        (["region=eu", "region=__HIVE_DEFAULT_PARTITION__"], "categorical", 100),
        (["month=01", "month=02"], "categorical", 0),
        (["flag=true", "flag=false"], "categorical", 0),
    ],
)
def test_a_partitions_key_is_a_column(
    tmp_path: Path, folders: list[str], kind: str, missing: int
) -> None:
    x = np.arange(100) % 7
    for folder in folders:
        parquet(tmp_path / "f" / "load=1" / folder / "a.parquet", x=x)
    code, document = report(tmp_path / "f", tmp_path / "f")
    name = folders[0].partition("=")[0]
    found = named(document, name)
    assert (code, found["kind"], found["missing_reference"]) == (0, kind, missing)
    assert found["n_reference"] == 200 - missing
    assert "load" in verdicts(document)


def test_partitions_of_text_files_and_a_column_of_the_same_name(tmp_path: Path) -> None:
    put(tmp_path / "f" / "plan=a" / "1.csv", "x,plan\n" + "1,own\n" * 50)
    put(tmp_path / "f" / "plan=b" / "2.csv.gz", gzip.compress(b"x\n" + b"2\n" * 50))
    _, document = report(tmp_path / "f", tmp_path / "f")
    assert {one["label"]: one["current"] for one in named(document, "plan")["bins"]} == {
        "own": 50,
        "b": 50,
    }


def test_files_of_no_format_are_told(tmp_path: Path) -> None:
    folder = csv(tmp_path / "f" / "a.csv", x=[1, 2, 3] * 40).parent
    for name in ("notes.txt", "b.xlsx", "c.parquet.tmp", "d.csv.zip", "_SUCCESS", ".hidden.csv"):
        put(folder / name, "x")
    code, _, err = check(folder, folder / "a.csv", "--json")
    assert code == 0
    assert err == (
        f"driftwarden check: {folder}: files that are not Parquet, CSV or JSON Lines left out (4): "
        "b.xlsx, c.parquet.tmp, d.csv.zip, …\n"
    )


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("a;b\n1,5;x\n2,25;y\n", {"a": "numeric", "b": "categorical"}),
        ("a\tb\n1\tx, y\n2\tz\n", {"a": "numeric", "b": "categorical"}),
        ("a|b\n1|x;y\n2|z\n", {"a": "numeric", "b": "categorical"}),
        ('a,b\n"1,5",x\n"2,25",y\n', {"a": "numeric", "b": "categorical"}),
        ("a;b\n1.5;2,5\n2.5;3,75\n", {"a": "numeric", "b": "numeric"}),
        ('a,b\n1,"x\ny"\n2,z\n', {"a": "numeric", "b": "categorical"}),
        ("a,b,,\n1,x,,\n2,y,,\n", {"a": "numeric", "b": "categorical"}),
        ("a,b\n1,x,\n2,y,\n", {"a": "numeric", "b": "categorical"}),
        ("a, b\n 1, x\n 2, y\n", {"a": "numeric", " b": "categorical"}),
        ("a\r\n1\r\n2\r\n", {"a": "numeric"}),
        ("a\n+1\n.5e3\n", {"a": "numeric"}),
    ],
)
def test_a_dialect_is_told_by_the_file(tmp_path: Path, text: str, kinds: dict[str, str]) -> None:
    end = "\r\n" if "\r" in text else "\n"
    head, body = text.split(end, 1)
    path = put(tmp_path / "r.csv", head + end + body * 60)
    code, document = report(path, path)
    assert code == 0
    assert {one["name"]: one["kind"] for one in document["features"]} == kinds
    assert {one["n_current"] for one in document["features"]} == {120}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a,b,\n" + b"1,2,\n" * 20_000 + b"1,2,3\n", "values in a column without a name"),
        (b"PK\x03\x04 and so on", "a zip or Excel file; save the sheet as CSV"),
        ("a,b\n1,2\n".encode("utf-16-le"), "UTF-16 needs a byte order mark"),
        ("größe,b\n1,2\n".encode("latin-1"), "the header is not text in UTF-8"),
        (b"a\n1,5\n2,5\n", "Expected 1 columns, got 2"),
        (b"\n\n\n", "no header line"),
        (b"\xff\xfea\x00\n\x00\x31", "cannot be read"),
    ],
)
def test_text_that_cannot_be_told_is_refused_with_a_hint(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = put(tmp_path / "r.csv", content)
    code, out, err = check(path, path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert told in err


def test_columns_are_left_out_by_name(tmp_path: Path) -> None:
    x = [1, 2, 3] * 100
    before = parquet(tmp_path / "r.parquet", x=x, y=x, **{"a, b": x})
    after = parquet(tmp_path / "c.parquet", x=x, y=[9] * 300, new=x)
    code, document = report(before, after, "--ignore", 'y,"a, b",new')
    assert (code, verdicts(document)) == (0, {"x": "stable"})
    told = "left out by --ignore"
    assert reasons(document, "not_compared") == {"y": told, "a, b": told, "new": told}


@pytest.mark.parametrize(
    ("option", "held"),
    [
        ("--ignore", "reference or current; they have x, y"),
        ("--categorical", "the reference; it has x"),
        ("--features", "the reference; it has x"),
    ],
)
def test_an_unknown_name_is_refused_with_what_there_is(
    tmp_path: Path, option: str, held: str
) -> None:
    before = parquet(tmp_path / "r.parquet", x=[1, 2] * 50)
    after = parquet(tmp_path / "c.parquet", x=[1, 2] * 50, y=[1, 2] * 50)
    code, out, err = check(before, after, option, "x,z")
    assert (code, out, err) == (2, "", f"driftwarden check: no column 'z' in {held}\n")


@pytest.mark.parametrize("write", [parquet, csv, jsonl])
def test_numbers_that_are_declared_categorical_are_levels(tmp_path: Path, write: Write) -> None:
    ids = [1, 2, 3, 4, 5] * 100
    other = [1, 2, 3, 3, 5] * 100
    before = write(tmp_path / f"r.{write.__name__}", shop=ids)
    after = write(tmp_path / f"c.{write.__name__}", shop=other)
    code, document = report(before, after, "--categorical", "shop")
    found = named(document, "shop")
    assert (code, found["kind"]) == (1, "categorical")
    assert {one["label"]: one["current"] for one in found["bins"]} == {
        "1": 100,
        "2": 100,
        "3": 200,
        "4": 0,
        "5": 100,
    }


def test_numbers_written_as_text_are_counted_under_the_references_bins(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=2_000).round(4)
    before = parquet(tmp_path / "r.parquet", v=values)
    texts = pa.array([str(value) for value in values])
    for column in (texts, texts.cast(pa.large_string()), texts.dictionary_encode()):
        code, document = report(before, parquet(tmp_path / "c.parquet", v=column))
        bins = named(document, "v")["bins"]
        assert code == 0
        assert [one["current"] for one in bins] == [one["reference"] for one in bins]


def test_an_empty_column_takes_its_type_from_the_other_side(tmp_path: Path) -> None:
    empty = put(tmp_path / "r.csv", "v,x\n" + ",1\n" * 100)
    for cell, kind in (("1.5", "numeric"), ("word", "categorical"), ("true", "categorical")):
        filled = put(tmp_path / "c.csv", "v,x\n" + f"{cell},1\n" * 100)
        _, document = report(empty, filled)
        assert named(document, "v")["kind"] == kind


def test_numbers_that_were_written_as_text_are_numbers_though_typed_as_text(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=3_000).round(4)
    texts = [str(value) for value in values]
    before = parquet(tmp_path / "r.parquet", v=texts)
    for after in (
        before,
        parquet(tmp_path / "c.parquet", v=values),
        csv(tmp_path / "c.csv", v=texts),
        jsonl(tmp_path / "c.jsonl", v=texts),
    ):
        for pair in ((before, after), (after, before)):
            code, document = report(*pair)
            assert (code, named(document, "v")["kind"]) == (0, "numeric")


def test_a_partition_with_zeros_is_a_number_where_the_other_side_types_it_so(
    tmp_path: Path,
) -> None:
    for month in (1, 2, 10):
        parquet(tmp_path / "f" / f"month={month:02}" / "a.parquet", x=[1, 2] * 50)
    one = parquet(tmp_path / "one.parquet", month=[1, 2, 10] * 100, x=[1, 2, 1] * 100)
    for pair in ((tmp_path / "f", one), (one, tmp_path / "f")):
        _, document = report(*pair)
        assert named(document, "month")["verdict"] == "stable"
    _, document = report(tmp_path / "f", tmp_path / "f")
    assert named(document, "month")["kind"] == "categorical"


def test_a_damaged_page_costs_one_column(tmp_path: Path) -> None:
    x = np.arange(500) % 7
    path = parquet(tmp_path / "r.parquet", v=np.random.default_rng(1).normal(size=500), x=x)
    good = path.read_bytes()
    meta = pq.read_metadata(path).row_group(0).column(0)
    start = meta.dictionary_page_offset or meta.data_page_offset
    bad = put(tmp_path / "c.parquet", good[:start] + b"\xff" * 200 + good[start + 200 :])
    for pair in ((path, bad), (bad, path)):
        code, document = report(*pair)
        assert (code, verdicts(document)) == (0, {"x": "stable"})
        assert f"{bad}: cannot be read: " in reasons(document, "ignored")["v"]
    code, out, err = check(path, bad, "--segment", "v")
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_odd_values_in_the_collectors_lines_are_named(tmp_path: Path) -> None:
    values: list[object] = np.random.default_rng(1).normal(size=400).round(3).tolist()
    before = parquet(tmp_path / "r.parquet", v=values)
    values[7] = "?"
    envelope = {"specversion": "1.0", "time": "2026-08-01T00:00:00Z"}
    lines = [
        json.dumps({**envelope, "correlationid": str(index), "data": [{"v": value}]})
        for index, value in enumerate(values)
    ]
    after = put(tmp_path / "log.jsonl", "\n".join(lines))
    for pair in ((before, after), (after, before)):
        code, out, err = check(*pair, "--json")
        found = named(json.loads(out), "v")
        assert (code, found["kind"], found["verdict"]) == (0, "numeric", "stable")
        assert f"{after}: column v: 1 value that is not a number counted as missing" in err


@pytest.mark.parametrize(
    ("content", "option", "usual", "lifted"),
    [
        ("x,k\n" + "a" * 3_000 + ",b\n", "--max-line", "2000", "4K"),
        ("a,b,c,d,e,f,g,h,i\n1,2,3,4,5,6,7,8,9\n", "--max-columns", "8", "9"),
        ("x,k\n" + "1,a\n" * 9_000, "--max-bytes", "20000", "1M"),
    ],
)
def test_a_bound_is_told_by_its_name_and_lifted(
    tmp_path: Path, content: str, option: str, usual: str, lifted: str
) -> None:
    path = put(tmp_path / "a.csv.gz", gzip.compress(content.encode()))
    code, out, err = check(path, path, "--json", option, usual)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert f"(limit {option.removeprefix('--')})" in line
    assert check(path, path, "--json", option, lifted)[0] in (0, 3)


@pytest.mark.parametrize("write", [csv, parquet])
@pytest.mark.parametrize("other", [{"other": []}, {"amount": []}, {"other": [], "amount": []}])
def test_a_side_without_rows_gives_no_verdict(
    tmp_path: Path, write: Write, other: dict[str, list[float]]
) -> None:
    empty = write(tmp_path / f"e.{write.__name__}", **other)
    values = [(37 * number % 500) / 8 for number in range(500)]
    full = write(tmp_path / f"f.{write.__name__}", amount=values)
    for pair in ((empty, full), (full, empty)):
        code, document = report(*pair)
        assert (code, document["verdict"]) == (3, "insufficient")
