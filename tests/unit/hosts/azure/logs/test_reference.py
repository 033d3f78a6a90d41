"""Tables in Blob storage and beside fleet.yaml."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import Refused, Unavailable
from hosts.azure.logs.reference import AzureTables
from hosts.azure.storage.connection import Connection
from monitoring.intake.sampling import rows_before
from tests.doubles.loopback import Response
from tests.doubles.relay import Relay

ROWS = {"x": [1.5, None, 3.0], "s": ["JFK", "EWR", None]}
TABLE = pa.table(ROWS)
CSV = b"x,s\n1.5,JFK\n,EWR\n3.0,\n"
JSONL = b'{"x": 1.5, "s": "JFK"}\n{"s": "EWR"}\n{"x": 3.0}\n'
BUSY = Response(503, b"<Error><Code>ServerBusy</Code><Message>Busy.</Message></Error>")


def parquet(table: pa.Table = TABLE, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


@pytest.fixture
def container(account: Connection, fresh_name: str) -> Any:
    return account.blobs().create_container(fresh_name)


@pytest.fixture
def tables(account: Connection, container: Any, tmp_path: Path) -> AzureTables:
    return AzureTables(account.blobs(), tmp_path)


FORMATS = {
    "a.parquet": parquet(),
    "a.csv": CSV,
    "a.csv.gz": gzip.compress(CSV),
    "a.jsonl": JSONL,
    "deep er/ü.ndjson.gz": gzip.compress(JSONL),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_from_both_places(
    tables: AzureTables, container: Any, tmp_path: Path, name: str
) -> None:
    container.upload_blob(name, FORMATS[name])
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(FORMATS[name])
    assert tables.read(f"az://{container.container_name}/{name}").to_pydict() == ROWS
    assert tables.read(name).to_pydict() == ROWS


def test_a_folder_is_every_file_below_it_by_name(
    tables: AzureTables, container: Any, tmp_path: Path
) -> None:
    files = {
        "ref/b.parquet": parquet(),
        "ref/a/1.csv": b"x\n7\n",
        "ref/_SUCCESS": b"done",
        "ref/notes.txt": b"?",
        "ref/.hidden.csv": b"x\n8\n",
        "ref/empty.csv": b"",
        "reference/other.csv": b"x\n9\n",
    }
    for name, content in files.items():
        container.upload_blob(name, content)
    expected = {"x": [7.0, 1.5, None, 3.0], "s": [None, "JFK", "EWR", None]}
    for path in ("ref", "ref/"):
        assert tables.read(f"az://{container.container_name}/{path}").to_pydict() == expected
    for name, content in files.items():
        if content:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
    assert tables.read("ref").to_pydict() == expected


def test_a_large_table_comes_as_a_sample(
    tables: AzureTables, container: Any, tmp_path: Path
) -> None:
    rows = pa.table({"x": range(1_200_000)})
    content = parquet(rows, row_group_size=300_000)
    container.upload_blob("r.parquet", content)
    found = tables.read(f"az://{container.container_name}/r.parquet")
    assert (found.num_rows, rows_before(found)) == (1_000_000, 1_200_000)
    drawn = found["x"].to_numpy()
    assert (np.diff(drawn) > 0).all()


def test_only_ranges_are_asked_for(
    container: Any, relayed: Connection, relays: dict[str, Relay], tmp_path: Path
) -> None:
    """A table is never held as bytes too."""
    rows = pa.table({"x": pa.array(range(1_000_000), pa.int64())})
    content = parquet(rows, compression="none", use_dictionary=False)
    container.upload_blob("r.parquet", content)
    AzureTables(relayed.blobs(), tmp_path).read(f"az://{container.container_name}/r.parquet")
    asked = relays["Blob"].requests("GET .*r.parquet")
    spans = [request.headers["x-ms-range"].removeprefix("bytes=").split("-") for request in asked]
    assert len(spans) > 2
    assert max(int(last) - int(first) for first, last in spans) < len(content)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("az://", "az://CONTAINER/PATH is expected"),
        ("az://{c}/none.csv", "no Parquet, CSV or JSON Lines file there"),
        ("az://{c}/text.txt", "not .parquet, .csv, .tsv or .jsonl"),
        ("az://{c}/bad.parquet", "bad.parquet: cannot be read: "),
        ("az://{c}/bad.csv.gz", "bad.csv.gz: cannot be read: "),
        ("az://{c}/bad.jsonl", "bad.jsonl: not JSON Lines: line 1: not JSON"),
        ("none.parquet", "no such file or folder beside fleet.yaml"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tables: AzureTables, container: Any, path: str, said: str
) -> None:
    container.upload_blob("text.txt", b"text")
    for name in ("bad.parquet", "bad.csv.gz", "bad.jsonl"):
        container.upload_blob(name, b"this is none of them\n")
    with pytest.raises(Refused) as refused:
        tables.read(path.replace("{c}", container.container_name))
    assert said in str(refused.value)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again without a pause."""
    monkeypatch.setattr("azure.core.pipeline.transport.HttpTransport.sleep", lambda self, _: None)


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.csv.gz", "a.jsonl"])
@pytest.mark.parametrize("where", ["GET", "GET .*/a[.]"], ids=["listing", "reading"])
def test_a_service_that_is_out_is_unavailable(
    container: Any, relayed: Connection, relays: dict[str, Relay], tmp_path: Path, quick: None,
    name: str, where: str,
) -> None:  # fmt: skip
    container.upload_blob(name, FORMATS[name])
    relays["Blob"].fail(where, answer=BUSY, times=99)
    with pytest.raises(Unavailable):
        AzureTables(relayed.blobs(), tmp_path).read(f"az://{container.container_name}/{name}")


def test_a_file_that_changes_meanwhile_is_read_again_later(
    tables: AzureTables, container: Any
) -> None:
    container.upload_blob("a.csv", CSV)
    (source,) = tables._blobs(f"az://{container.container_name}/a.csv")
    stream = source.open()
    container.upload_blob("a.csv", CSV + b"4.0,LGA\n", overwrite=True)
    with pytest.raises(Unavailable):
        stream.read()


def test_a_container_that_is_not_there_is_waited_for(tables: AzureTables, fresh_name: str) -> None:
    with pytest.raises(Unavailable, match="was it deleted"):
        tables.read(f"az://{fresh_name}x/a.csv")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("az://driftwarden/rows.csv", "lies in the app's own container"),
        ("az://azure-webjobs-secrets/app/host.json", "lies in the app's own container"),
        ("az://rows/.hidden.csv", "hidden files are no tables"),
        ("az://rows/.git/a.csv", "hidden files are no tables"),
        ("../a.csv", "no such file or folder|lies outside"),
        ("/etc/passwd", "lies outside the folder"),
        (".env", "hidden files are no tables"),
        ("notes.txt", "not a Parquet, CSV or JSON Lines file"),
    ],
)
def test_what_an_operator_may_not_name(
    account: Connection, tmp_path: Path, path: str, why: str
) -> None:
    for name in (".env", "notes.txt"):
        (tmp_path / name).write_text("TOKEN=hunter2")
    tables = AzureTables(account.blobs(), tmp_path, private=("driftwarden",))
    with pytest.raises(Refused, match=why) as refused:
        tables.asked(path)
    assert "hunter2" not in str(refused.value)


def test_an_operator_may_name_a_table_in_a_container(
    account: Connection, container: Any, tmp_path: Path
) -> None:
    container.upload_blob("a.csv", CSV)
    container.upload_blob("b.csv", b"hunter2,hunter2\n1,2\n")
    tables = AzureTables(account.blobs(), tmp_path, private=("driftwarden",))
    assert tables.asked(f"az://{container.container_name}/a.csv").num_rows
    with pytest.raises(Refused, match="cannot be read as Parquet") as refused:
        tables.asked(f"az://{container.container_name}/b.csv")
    assert "hunter2" not in str(refused.value)
