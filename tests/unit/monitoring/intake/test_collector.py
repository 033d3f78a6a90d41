"""Collector lines to rows, whichever parser reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from monitoring.intake.collector import decode, is_collector_line, rows_apart
from monitoring.intake.lines import BLOCK, Apart
from monitoring.intake.own import GUID


def line(correlation: str, *rows: dict[str, object], **fields: object) -> bytes:
    document = {
        "specversion": "1.0",
        "id": "1",
        "type": "azureml.inference.model_inputs",
        "time": "2013-04-01T05:00:00Z",
        "data": list(rows),
        "correlationid": correlation,
    }
    return json.dumps(document | fields).encode() + b"\n"


def test_rows_carry_their_lines_id_and_their_own_index() -> None:
    decoded = decode(line("a", {"x": 1.5, "s": "JFK"}, {"x": 2.5}) + line("b", {"s": "EWR"}))
    assert decoded.bad == ()
    when = datetime(2013, 4, 1, 5, tzinfo=UTC)
    assert decoded.table.to_pylist() == [
        {"correlationid": "a", "index": 0, "time": when, "x": 1.5, "s": "JFK"},
        {"correlationid": "a", "index": 1, "time": when, "x": 2.5, "s": None},
        {"correlationid": "b", "index": 0, "time": when, "x": None, "s": "EWR"},
    ]


def test_both_parsers_agree() -> None:
    block = b"".join(
        line(f"id{index}", {"x": index / 7, "n": index, "s": "JFK", "b": index % 2 == 0}, {"x": 1})
        for index in range(200)
    )
    whole = decode(block).table
    size = len(block) // 200
    assert len(block) > 16_384 > 3 * size
    start = decode(b"".join(block.splitlines(keepends=True)[:20])).table
    assert start.schema == whole.schema
    assert whole.slice(0, 40).to_pylist() == start.to_pylist()


def test_reading_resumes_after_the_last_complete_line() -> None:
    block = line("a", {"x": 1}) + line("b", {"x": 2})
    cut = len(block) - 9
    first = decode(block[:cut])
    assert first.table["correlationid"].to_pylist() == ["a"]
    second = decode(block[first.consumed :])
    assert second.table["correlationid"].to_pylist() == ["b"]
    assert first.consumed + second.consumed == len(block)
    assert decode(block[:-1], closed=True).table.num_rows == 2
    assert len(decode(block[:-2], closed=True).bad) == 1


@pytest.mark.parametrize("many", [1, 300])
def test_bad_lines_are_counted_and_the_others_kept(many: int) -> None:
    block = (
        line("a", {"x": 1}) * many
        + b"not json\n"
        + line("d", data=[1])
        + line("e", data=None)
        + line("f", {"x": "mixed"})
    )
    decoded = decode(block)
    assert decoded.table.num_rows == many + 1
    assert decoded.consumed == len(block)
    assert [reason.split(": ", 1)[1] for reason in decoded.bad[1:]] == [
        "a row under 'data' is not an object",
        "no rows under 'data'",
    ]
    assert decoded.bad[0].startswith(f"line {many + 1}: not JSON")


@pytest.mark.parametrize("many", [2, 300])
def test_dates_stay_text_however_many_lines_there_are(many: int) -> None:
    decoded = decode(line("a", {"day": "2013-04-01 05:00:00"}) * many)
    assert decoded.table["day"].to_pylist() == ["2013-04-01 05:00:00"] * many


def test_features_named_like_the_envelope_are_set_apart() -> None:
    decoded = decode(line("a", {"time": 3, "index": 7, "x": 1}))
    assert decoded.table.schema.names == [
        "correlationid",
        "index",
        "time",
        "data.time",
        "data.index",
        "x",
    ]


def test_nothing_is_an_empty_table() -> None:
    for chunk in (b"", b"\n\n", b'{"cut'):
        decoded = decode(chunk)
        assert decoded.table.num_rows == 0
        assert decoded.table.schema.names == ["correlationid", "index", "time"]


def bare(correlation: str, data: object, **fields: object) -> bytes:
    """A line as people write it by hand: nothing but what is needed."""
    when = "2013-04-01T05:00:00Z"
    document = {"correlationid": correlation, "time": when, "data": data, **fields}
    return json.dumps({name: v for name, v in document.items() if v is not ...}).encode() + b"\n"


@pytest.mark.parametrize(
    "found",
    [
        json.loads(line("a", {"x": 1})),
        {"correlationid": "a", "time": "t", "data": [{"x": 1}]},
        {"correlationid": "a", "data": {"x": 1}},
        {"correlationid": "a", "data": '[{"x": 1}]'},
        {"correlationid": "a", "data": '{"x": 1}'},
        {"correlationid": "a", "dataref": "mdc/b.json"},
        {"correlationid": "a", "data": "https://u", "datainblob": "true"},
        {"correlationid": "a", "data": []},
        {"specversion": "1.0", "data": [{"x": 1}]},
        {"specversion": "1.0", "correlationid": "a", "data": 7},
    ],
    ids=str,
)
def test_a_line_that_names_its_request_and_has_rows_is_a_collectors(found: dict[str, Any]) -> None:
    assert is_collector_line(found)


@pytest.mark.parametrize(
    "row",
    [
        {"x": 1, "data": 2},
        {"correlationid": "a", "data": 2.5},
        {"correlationid": "a", "data": "pro"},
        {"correlationid": "a", "data": None, "x": 1},
        {"correlationid": "a", "x": 1},
        {"data": [{"x": 1}]},
        {"correlationid": "a", "data": [1, 2]},
    ],
    ids=str,
)
def test_a_plain_row_is_none(row: dict[str, Any]) -> None:
    assert not is_collector_line(row)


@pytest.mark.parametrize("many", [1, 500])
@pytest.mark.parametrize(
    "data",
    [
        [{"x": 1.5, "s": "JFK"}],
        {"x": 1.5, "s": "JFK"},
        '[{"x": 1.5, "s": "JFK"}]',
        '{"x": 1.5, "s": "JFK"}',
        ' [ {"s": "JFK",\n "x": 1.5} ] ',
    ],
    ids=["list", "object", "text of a list", "text of an object", "spaced text"],
)
def test_rows_are_the_same_however_they_are_spelled(
    data: dict[str, float | str] | list[dict[str, float | str]] | str, many: int
) -> None:
    block = bare("a", data) * many
    decoded = decode(block)
    assert (decoded.bad, decoded.consumed) == ((), len(block))
    when = datetime(2013, 4, 1, 5, tzinfo=UTC)
    row = {"correlationid": "a", "index": 0, "time": when, "x": 1.5, "s": "JFK"}
    assert decoded.table.num_rows == many
    assert decoded.table.select(list(row)).to_pylist()[-1] == row


@pytest.mark.parametrize("many", [1, 300])
def test_spellings_may_change_from_line_to_line(many: int) -> None:
    block = bare("a", [{"x": 1}, {"x": 2}]) * many + bare("b", {"x": 3}) + bare("c", '[{"x": 4}]')
    decoded = decode(block)
    assert decoded.bad == ()
    assert decoded.table["x"].to_pylist() == [1, 2] * many + [3, 4]
    assert decoded.table["index"].to_pylist() == [0, 1] * many + [0, 0]


@pytest.mark.parametrize(
    "data", ["pro", '"[1]"', "7", "[1, 2]", "[{", '{"x": 1', 3, True, None, ...], ids=str
)
def test_what_holds_no_rows_is_bad_and_the_rest_is_read(data: Any) -> None:
    decoded = decode(bare("a", data) + bare("b", {"x": 1}))
    assert decoded.table["correlationid"].to_pylist() == ["b"]
    assert [reason[:7] for reason in decoded.bad] == ["line 1:"]


@pytest.mark.parametrize("many", [0, 300])
@pytest.mark.parametrize("between", [b"", b" ", b"\t", b"\r", b"  "], ids=repr)
def test_several_objects_on_one_line_are_all_read(between: bytes, many: int) -> None:
    """A writer that does not end its last line appends the next one to it."""
    two = between.join([bare("a", {"x": 1}).strip(), bare("b", [{"x": 2}]).strip()])
    block = bare("z", [{"x": 0}]) * many + two + between + bare("c", [{"x": 3}])
    decoded = decode(block)
    assert (decoded.bad, decoded.consumed) == ((), len(block))
    assert decoded.table["correlationid"].to_pylist() == ["z"] * many + ["a", "b", "c"]


@pytest.mark.parametrize(
    ("line_", "read", "reason"),
    [
        (bare("a", [{"x": 1}]).strip() + b"garbage", ["a"], "not JSON"),
        (bare("a", [{"x": 1}]).strip() + bare("b", [{"x": 1}])[:30], ["a"], "not JSON"),
        (bare("a", [{"x": 1}])[30:-1] + bare("b", [{"x": 1}]).strip(), [], "not JSON"),
        (bare("a", [{"x": 1}]).strip() + b"[1]", ["a"], "not an object"),
        (bare("a", [{"x": 1}]).strip() + bare("b", 7).strip(), ["a"], "no rows under 'data'"),
    ],
    ids=["garbage", "half", "cut first", "list", "no rows"],
)
def test_of_several_objects_on_a_line_the_good_ones_are_kept(
    line_: bytes, read: list[Any], reason: str
) -> None:
    decoded = decode(line_ + b"\n" + bare("z", [{"x": 1}]))
    assert decoded.table["correlationid"].to_pylist() == [*read, "z"]
    assert [found.removeprefix("line 1: ")[: len(reason)] for found in decoded.bad] == [reason]


@pytest.mark.parametrize("cut", [1, 2, 30, 60, 80])
@pytest.mark.parametrize("many", [2, 400])
def test_a_file_that_begins_within_a_line_loses_that_line_alone(cut: int, many: int) -> None:
    block = (bare("a", [{"x": 0.5, "s": "JFK"}]) * many)[cut:]
    decoded = decode(block)
    assert (decoded.table.num_rows, decoded.consumed) == (many - 1, len(block))
    assert [reason[:16] for reason in decoded.bad] == ["line 1: not JSON"]


@pytest.mark.parametrize("many", [0, 300])
@pytest.mark.parametrize(
    "last",
    [
        bare("z", [{"s": "é}{"}]),
        bare("z", {"s": 1}),
        bare("z", '[{"s": 1}]'),
        bare("z", ..., dataref="mdc/z.json"),
        bare("z", [{"s": "\\"}]).replace(b"\n", b"\r\n"),
    ],
    ids=["list", "object", "text", "elsewhere", "crlf"],
)
def test_a_last_line_is_whole_with_its_last_brace(last: bytes, many: int) -> None:
    """No byte before that is one line; whatever follows is another."""
    before = bare("a", [{"s": "JFK"}]) * many
    brace = last.rindex(b"}") + 1
    for cut in range(1, brace):
        assert decode(before + last[:cut]).consumed == len(before)
        if many:
            break
    first = decode(before + last[:brace])
    assert (first.bad, first.consumed) == ((), len(before) + brace)
    assert first.table.num_rows + len(first.apart) == many + 1
    rest = decode(last[brace:] + bare("y", [{"s": 1}]))
    assert (rest.bad, rest.table["correlationid"].to_pylist()) == ((), ["y"])


@pytest.mark.parametrize("many", [1, 300])
def test_rows_in_a_blob_of_their_own_are_referred_to(many: int) -> None:
    """`data` is an address where a payload is over 4 MB, and `datainblob` says so."""
    address = "https://account.blob.core.windows.net/modeldata/mdc/a%20b"
    block = line("a", {"x": 1}) * many + line("c", data=address, datainblob="true")
    decoded = decode(block + line("d", data=address))
    assert decoded.table.num_rows == many
    assert decoded.apart == (Apart(many + 1, address, "c", "2013-04-01T05:00:00Z"),)
    assert decoded.bad == (f"line {many + 2}: no rows under 'data'",)


@pytest.mark.parametrize("many", [1, 300])
@pytest.mark.parametrize(
    "fields",
    [
        {"data": ..., "dataref": "mdc/b.json"},
        {"data": None, "dataref": "mdc/b.json"},
        {"data": "mdc/b.json", "datainblob": "true"},
        {"data": "mdc/b.json", "datainblob": True},
        {"data": ..., "dataref": "mdc/b.json", "datainblob": "true"},
    ],
    ids=str,
)
def test_both_spellings_of_rows_elsewhere_are_known(fields: dict[str, Any], many: int) -> None:
    decoded = decode(bare("a", [{"x": 1}]) * many + bare("c", **fields))
    assert decoded.apart == (Apart(many + 1, "mdc/b.json", "c", "2013-04-01T05:00:00Z"),)
    assert (decoded.bad, decoded.table.num_rows) == ((), many)


def test_rows_in_the_line_come_before_rows_elsewhere() -> None:
    decoded = decode(bare("c", [{"x": 1}], dataref="mdc/b.json"))
    assert (decoded.apart, decoded.table.num_rows) == ((), 1)


@pytest.mark.parametrize(
    "content",
    [
        b'[{"x": 1.5, "s": "JFK"}, {"x": 2.5}]',
        b'\xef\xbb\xbf[\n  {"x": 1.5,\n "s": "JFK"},\n  {"x": 2.5}\n]\n',
        b'{"x": 1.5, "s": "JFK"}\r\n\n{"x": 2.5}',
        b'"[{\\"x\\": 1.5, \\"s\\": \\"JFK\\"}, {\\"x\\": 2.5}]"',
    ],
)
def test_rows_of_a_blob_belong_to_the_line_that_referred_to_it(content: bytes) -> None:
    where = Apart(7, "u", "c", "2013-04-01T05:00:00Z")
    when = datetime(2013, 4, 1, 5, tzinfo=UTC)
    decoded = rows_apart(content, where)
    assert decoded.table.to_pylist() == [
        {"correlationid": "c", "index": 0, "time": when, "x": 1.5, "s": "JFK"},
        {"correlationid": "c", "index": 1, "time": when, "x": 2.5, "s": None},
    ]
    many = rows_apart(b"[" + b",".join([b'{"x": 0.5}'] * 5_000) + b"]", where)
    assert many.table["index"].to_pylist() == list(range(5_000))


@pytest.mark.parametrize("content", [b'{"x": 1}', b'{\n  "x": 1\n}\n', b'"{\\"x\\": 1}"'])
def test_a_blob_may_hold_one_row(content: bytes) -> None:
    decoded = rows_apart(content, Apart(7, "u", "c", "2013-04-01T05:00:00Z"))
    assert (decoded.bad, decoded.table["x"].to_pylist()) == ((), [1])


@pytest.mark.parametrize("content", [b"", b"\x89PNG", b"[1, 2]", b'[{"x": 1}', b'{"x": 1'])
def test_a_blob_without_rows_is_bad(content: bytes) -> None:
    decoded = rows_apart(content, Apart(7, "u", "c", "2013-04-01T05:00:00Z"))
    assert decoded.table.num_rows == 0
    assert [reason[:7] for reason in decoded.bad] == (["line 7:"] if content else [])


@pytest.mark.parametrize("many", [2, 300])
def test_requests_of_our_own_are_left_out_and_counted(many: int) -> None:
    block = line("a", {"x": 1}, xrequestid="r") * many
    ours = line("b", {"x": 2}, xrequestid="driftwarden-7") + line("driftwarden-8", {"x": 3})
    ours += line("c", {"x": 4}, xrequestid=f"{GUID}aaa-8bbb-0123456789ab")
    elsewhere = line("driftwarden-9", data="https://u", datainblob="true")
    for decoded in (decode(ours + block), decode(block + ours + elsewhere)):
        assert decoded.table["correlationid"].to_pylist() == ["a"] * many
        assert decoded.bad == decoded.apart == ()
        assert decoded.own in (3, 4)


AROUND = [b"", b"".join(line(f"id{i}", {"x": i / 7, "s": "JFK"}) for i in range(300))]


@pytest.mark.parametrize("around", AROUND, ids=["few", "many"])
@pytest.mark.parametrize(
    ("odd", "rows", "reason"),
    [
        (line("a", {"x": 1.0}).replace(b"\n", b"\r\n"), 1, None),
        (b"\n \n\r\n" + line("a", {"x": 1.0}), 1, None),
        (line("a", {"s": "?"}).replace(b"?", b"\xff\xfe"), 0, "not JSON"),
        (line("a", {"s": "?"}).replace(b"?", b"\\ud800"), 0, "not JSON"),
        (line("a", {"s": "?"}).replace(b"?", b"\\ud83d\\ude00"), 1, None),
        (line("a", {"s": "\x00"}), 1, None),
        (b"\0" * 100 + b"\n", 0, "not JSON"),
        (line("a", {"x": 1.0})[:40] + b"\n", 0, "not JSON"),
        (line("a"), 0, None),
        (line("a", {"x": [1, {"y": 2}]}), 1, None),
        (line("a", {"x": 10**400, "s": True}), 1, None),
        (line("a", {"x": "2013-04-01 05:00:00"}), 1, None),
    ],
    ids=["crlf", "empty", "utf-8", "surrogate", "pair", "nul", "nuls", "cut", "no rows", "nested",
         "huge", "time"],
)  # fmt: skip
def test_odd_lines_neither_stop_nor_spoil_the_others(
    around: bytes, odd: bytes, rows: int, reason: str | None
) -> None:
    block = around + odd + line("z", {"x": 0.5, "s": "EWR"})
    decoded = decode(block)
    assert decoded.consumed == len(block)
    assert decoded.table.num_rows == (300 if around else 0) + rows + 1
    assert decoded.table.to_pylist()[-1]["s"] == "EWR"  # every text can be decoded
    assert len(decoded.bad) == (reason is not None)
    if reason is not None:
        assert decoded.bad[0].startswith(f"line {1 + (300 if around else 0)}: {reason}")


@pytest.mark.parametrize("around", AROUND, ids=["few", "many"])
def test_a_byte_order_mark_is_no_part_of_the_first_line(around: bytes) -> None:
    block = b"\xef\xbb\xbf" + line("a", {"x": 1.0}) + around
    decoded = decode(block)
    assert (decoded.bad, decoded.consumed) == ((), len(block))
    assert decoded.table["correlationid"][0].as_py() == "a"
    twice = decode(block + block)
    assert (twice.bad, twice.table.num_rows) == ((), 2 * decoded.table.num_rows)


def test_one_bad_line_among_blocks_changes_nothing_else() -> None:
    """Blocks are parsed on their own; numbers of one and texts of another go together."""
    one = b"".join(line(f"id{i}", {"x": i, "s": "a" * 400, "t": i / 2}) for i in range(9_000))
    two = b"".join(line(f"jd{i}", {"x": i / 2, "t": "b"}) for i in range(50))
    assert len(one) > BLOCK
    decoded = decode(one + b"bad\n" + two + b'{"half')
    assert decoded.consumed == len(one + two) + 4
    assert decoded.bad[0].startswith("line 9001: not JSON")
    assert decoded.table["x"].to_pylist() == [
        *map(float, range(9_000)),
        *(i / 2 for i in range(50)),
    ]
    assert decoded.table["t"].to_pylist() == [*(i / 2 for i in range(9_000)), *[None] * 50]
    assert decoded.table["correlationid"].to_pylist()[-1] == "jd49"


def test_a_file_growing_by_any_bytes_is_read_once() -> None:
    """Whatever the announcements cut, the chunks between the cursors hold every line once."""
    block = b"".join(line(f"id{i}", {"x": i, "s": "ü"}) for i in range(40)).replace(b"\n", b"\r\n")
    for step in (1, 7, 190, 1_000):
        cursor, ids = 0, []
        for size in [*range(step, len(block), step), len(block)]:
            decoded = decode(block[cursor:size])
            assert decoded.bad == ()
            cursor += decoded.consumed
            ids += decoded.table["correlationid"].to_pylist()
        assert (cursor, ids) == (len(block), [f"id{i}" for i in range(40)])
