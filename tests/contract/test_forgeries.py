"""One suite, every store: each forgery of a journal, a head, a blob or a partition is named."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from engine import codec, journal
from engine.blobs import Blobs, MemoryBlobs, content_name
from engine.chain import Place, log_key, state_hash
from engine.compose import Composer
from engine.errors import Broken, Refused
from engine.head import Head, read_head
from engine.journal import verify
from engine.loop import Loop
from engine.memory import MemoryStore
from engine.seal import Seal
from engine.sealing import marks
from engine.store import (
    HEAD,
    Delete,
    Insert,
    Operation,
    Replace,
    Row,
    Store,
    Value,
    instant,
)
from fleet import anchors
from fleet.anchors import Anchor
from fleet.document.config import load
from fleet.domain import FleetDomain
from fleet.model.slices.windows import Past, Windows
from fleet.model.state import Model
from fleet.proof import Evidence, Proof, prove
from hosts.azure.storage.readonly import ReadOnlyBlobs, ReadOnlyTables
from hosts.azure.storage.tables import TablesStore
from hosts.local import files
from hosts.local.readonly import ReadOnlyStore
from hosts.local.sqlite import SqliteStore
from tests.doubles import azurite

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
KEY, OTHER = b"the key of this store, and no other's", b"the key of somebody who has no business"
SEAL = Seal((KEY,))
MODELS = ("churn", "demand")
LAST = 6
YAML = """\
version: 1
store: local:var
models: {}
"""
DOMAIN = FleetDomain(load(YAML, "fleet.yaml", lambda _: "").fleet, None)
Forge = Callable[["Forged"], None]


@dataclass
class Forged:
    """A store with two journals, what is kept beside it, and what somebody without a key can do."""

    store: Store
    readonly: Callable[[], Store]
    blobs: Blobs
    overwrite: Callable[[str, bytes], None]
    seal: Seal = SEAL
    kept: Sequence[Anchor] = ()
    #: Names of the blobs that were replaced or removed.
    spoilt: set[str] = field(default_factory=set)

    def fill(self) -> None:
        """Write the journals of two models, blobs that they name, and anchors of all."""
        for number, model in enumerate(MODELS):
            for seq in range(1, LAST + 1):
                self.go_on(model, seq, number)
        self.anchor()

    def go_on(self, model: str, seq: int, number: int = 0) -> None:
        """Write the next record of a model as the app would."""
        row = self.store.get(model, HEAD)
        head = read_head(row, DOMAIN, model)
        sketch = self.blobs.put(f"{model} {seq}".encode())
        past = {**head.state.windows.past, f"2026-03-{seq:02d}": Past(seq, sketch=sketch)}
        state = replace(head.state, champion=f"v{seq + number}", windows=Windows(past=past))
        composer = Composer(model, DOMAIN, SEAL, row, head, (), NOON + timedelta(hours=seq))
        line = {"what": "joined", "rows": self.blobs.put(f"rows {model} {seq}".encode())}
        self.store.commit(model, composer.record(state, None, (line,)))

    def anchor(self) -> None:
        """Keep the anchors of all partitions elsewhere."""
        facts = [delivery.fact for delivery in anchors.deliveries(self.store, NOON)]
        lines = [json.dumps({"hour": fact.hour, "anchors": fact.anchors}) for fact in facts]
        self.kept = anchors.parse(lines, "anchors.jsonl")

    def proof(self, kept: Sequence[Anchor] = ()) -> Proof:
        """Verify the store as the command does."""
        evidence = Evidence(self.readonly(), self.blobs, self.seal)
        return prove(evidence, MODELS, kept)

    def replace_blob(self, content: bytes, other: bytes) -> None:
        """Write other content under the name of a blob."""
        name = content_name(content)
        self.spoilt.add(name)
        self.overwrite(name, other)

    def remove_blob(self, content: bytes) -> None:
        """Delete a blob."""
        name = content_name(content)
        self.spoilt.add(name)
        self.blobs.delete(name)

    def row(self, key: str, partition: str = "demand") -> Row:
        """Return a row that is there."""
        found = self.store.get(partition, key)
        assert found is not None
        return found

    def alter(self, key: str, partition: str = "demand", **props: Value) -> None:
        """Change properties of a row."""
        row = self.row(key, partition)
        self.store.commit(partition, [Replace(key, {**row.props, **props}, row.etag)])

    def move(self, rows: dict[str, Row], partition: str) -> None:
        """Put other rows in place of a whole partition."""
        gone: list[Operation] = [Delete(key) for key in self.rows(partition)]
        if gone:
            self.store.commit(partition, gone)
        if rows:
            self.store.commit(partition, [Insert(row.key, row.props) for row in rows.values()])

    def rows(self, partition: str) -> dict[str, Row]:
        """Return all rows of a partition."""
        return {row.key: row for row in self.store.scan(partition, "")}

    def state(self) -> Model:
        """Return the state of the model."""
        found: Model = read_head(self.row(HEAD), DOMAIN, "demand").state
        return found


@pytest.fixture(scope="module")
def original() -> Forged:
    """The store that is forged: its rows are copied, because filling it takes longer."""
    store, blobs = MemoryStore(), MemoryBlobs()
    made = Forged(store, lambda: store, blobs, lambda *_: None)
    made.fill()
    return made


@pytest.fixture(scope="module")
def container(outside: None, original: Forged) -> Iterator[ContainerClient]:
    """A container that holds the blobs of the store."""
    account = azurite.account()
    made = account.blobs().get_container_client(f"t{uuid.uuid4().hex}")
    made.create_container()
    for name in original.blobs.names():
        made.upload_blob(name, original.blobs.get(name))
    yield made
    account.close()


@pytest.fixture(params=["sqlite", "azurite"])
def forged(request: pytest.FixtureRequest, original: Forged, tmp_path: Path) -> Iterator[Forged]:
    if request.param == "sqlite":
        path, blobs = tmp_path / "store.sqlite", files.Blobs(tmp_path / "blobs")
        store = SqliteStore(path, durable=False)
        for name in original.blobs.names():
            blobs.put(original.blobs.get(name))

        def overwrite(name: str, content: bytes) -> None:
            blobs.path(name).write_bytes(content)

        made = Forged(store, lambda: ReadOnlyStore(path), blobs, overwrite, kept=original.kept)
        copy(original, made)
        yield made
        store.close()
        return
    tables = request.getfixturevalue("account").tables()
    there, name = request.getfixturevalue("container"), request.getfixturevalue("fresh_name")
    service = request.getfixturevalue("account").blobs()

    def upload(name: str, content: bytes) -> None:
        there.upload_blob(name, content, overwrite=True)

    made = Forged(
        TablesStore(tables, name),
        lambda: ReadOnlyTables(tables, name),
        ReadOnlyBlobs(service, there.container_name),
        upload,
        kept=original.kept,
    )
    copy(original, made)
    yield made
    # The container is shared.
    for name in made.spoilt:
        upload(name, original.blobs.get(name))


def copy(original: Forged, made: Forged) -> None:
    for model in MODELS:
        made.move(original.rows(model), model)


def test_an_honest_store_is_verified(forged: Forged) -> None:
    found = forged.proof(forged.kept)
    assert (found.findings, found.notes) == ((), ())
    assert found.records == dict.fromkeys(MODELS, LAST)
    assert found.signed_from == dict.fromkeys(MODELS, 1)
    forged.go_on("demand", LAST + 1)
    assert forged.proof(forged.kept).findings == ()


def tail_cut(at: Forged) -> None:
    at.store.commit("demand", [Delete(log_key(5)), Delete(log_key(6))])


def tail_cut_with_the_old_head(at: Forged) -> None:
    old = at.rows("demand")
    at.go_on("demand", LAST + 1)
    at.anchor()
    at.move(old, "demand")


def record_altered(at: Forged) -> None:
    at.alter(log_key(3), body=b'[{"what":"policy","hash":"evil"}]')


def record_dated_back(at: Forged) -> None:
    at.alter(log_key(3), at=instant(NOON - timedelta(days=9)))


def record_removed(at: Forged) -> None:
    at.store.commit("demand", [Delete(log_key(3))])


def first_records_removed(at: Forged) -> None:
    at.store.commit("demand", [Delete(log_key(1)), Delete(log_key(2))])


def record_inserted(at: Forged) -> None:
    """Put one between two, and renumber those behind it."""
    last = at.row(log_key(6))
    moved: list[Operation] = [Insert(log_key(7), {**last.props, "seq": 7}), Delete(log_key(6))]
    at.store.commit("demand", moved)
    at.store.commit("demand", [Insert(log_key(6), {**last.props, "at": instant(NOON)})])


def record_appended(at: Forged) -> None:
    at.store.commit("demand", [Insert(log_key(7), {**at.row(log_key(6)).props, "seq": 7})])


def row_of_no_number(at: Forged) -> None:
    at.store.commit("demand", [Insert("log:000000000003b", dict(at.row(log_key(3)).props))])


def record_signature_removed(at: Forged) -> None:
    """Chain the tail by plain hashes, as records were before there were keys."""
    _rehash(at, 4, None)


def chain_rehashed_plainly(at: Forged) -> None:
    _rehash(at, 1, None)


def chain_rehashed_with_another_key(at: Forged) -> None:
    _rehash(at, 1, Seal((OTHER,)))


def chain_rehashed_under_the_same_key_id(at: Forged) -> None:
    _rehash(at, 1, Seal((OTHER,)), SEAL.id)


def chain_rehashed_with_the_key(at: Forged) -> None:
    _rehash(at, 3, SEAL)


def wrong_key(at: Forged) -> None:
    at.seal = Seal((OTHER,))


def heads_state(at: Forged) -> None:
    forged = codec.pack(codec.encode(replace(at.state(), champion="evil")))
    at.alter(HEAD, state=forged)


def heads_state_with_its_hash(at: Forged) -> None:
    heads_state(at)
    at.alter(HEAD, state_hash=state_hash(at.row(HEAD).props))


def heads_format(at: Forged) -> None:
    at.alter(HEAD, version=1)


def heads_state_damaged(at: Forged) -> None:
    at.alter(HEAD, state=b"nothing that unpacks")


def heads_sequence_set_back(at: Forged) -> None:
    at.alter(HEAD, seq=4, hash=at.row(log_key(4)).text("hash"))


def heads_link(at: Forged) -> None:
    at.alter(HEAD, hash="0" * 64)


def heads_seal_removed(at: Forged) -> None:
    at.alter(HEAD, seal="")


def head_removed(at: Forged) -> None:
    at.store.commit("demand", [Delete(HEAD)])


def partition_removed(at: Forged) -> None:
    at.move({}, "demand")


def partitions_swapped(at: Forged) -> None:
    churn, demand = at.rows("churn"), at.rows("demand")
    at.move(demand, "churn")
    at.move(churn, "demand")


def blob_altered(at: Forged) -> None:
    at.replace_blob(b"demand 2", b"demand 9")


def blob_of_a_record_altered(at: Forged) -> None:
    at.replace_blob(b"rows demand 4", b"")


def blob_removed(at: Forged) -> None:
    at.remove_blob(b"demand 5")


def blob_of_a_record_removed(at: Forged) -> None:
    at.remove_blob(b"rows demand 1")


def _rehash(at: Forged, first: int, seal: Seal | None, key: str = "") -> None:
    """Write a journal again from a record on, with another content, and the head to it."""
    seal = seal or Seal()
    before = at.row(log_key(first - 1)).text("hash") if first > 1 else ""
    state = Model(champion="evil")
    written = Head(state).write("demand", DOMAIN.version).props
    for seq in range(first, LAST + 1):
        row = at.row(log_key(seq))
        place = Place("demand", before, seq, row.text("at"), state_hash(written))
        log, before = journal.record(place, ({"what": "policy", "hash": "evil"},), seal)
        claimed = {"key": key} if key else {}
        at.store.commit("demand", [Replace(row.key, {**log.props, **claimed}, row.etag)])
    head = at.row(HEAD)
    at.store.commit("demand", [Replace(HEAD, {**written, **marks(place, before, seal)}, head.etag)])


SWAPPED = "none of its 6 journal records was signed for this partition"
FORGERIES: list[tuple[Forge, str]] = [
    (tail_cut, "demand: journal records 5 to 6 are missing; its head refers to record 6"),
    (record_altered, "demand: journal record 3 does not follow from the one before it"),
    (record_dated_back, "demand: journal record 3 does not follow from the one before it"),
    (record_removed, "demand: journal record 3 is missing"),
    (first_records_removed, "demand: journal records 1 to 2 are missing"),
    (record_inserted, "demand: journal records 6 to 7 do not follow from the ones before them"),
    (record_appended, "demand: its head stands at record 6, but its journal ends with record 7"),
    (row_of_no_number, "demand: row 'log:000000000003b' is no journal record"),
    (record_signature_removed, "demand: journal records 4 to 6 are not signed, but records before"),
    (chain_rehashed_plainly, "demand: none of its 6 records is signed, although there is a key"),
    (chain_rehashed_with_another_key, "demand: journal records 1 to 6 are signed with a key that"),
    (chain_rehashed_under_the_same_key_id, f"demand: {SWAPPED}"),
    (wrong_key, "demand: journal records 1 to 6 are signed with a key that is not known here"),
    (heads_state, "demand: the state in its head is not the one that record 6 was written with"),
    (heads_state_with_its_hash, "demand: the state in its head is not the one that record 6"),
    (heads_format, "demand: the state in its head is not the one that record 6 was written with"),
    (heads_state_damaged, "demand: the state in its head is not the one that record 6"),
    (heads_sequence_set_back, "demand: its head stands at record 4, but its journal ends with"),
    (heads_link, "demand: its head names another record 6 than its journal holds"),
    (heads_seal_removed, "demand: its head was not written by this app: the seal does not fit"),
    (head_removed, "demand: its head is missing, but it has journal records"),
    (partitions_swapped, f"demand: {SWAPPED}"),
    (blob_altered, f"demand: blob {content_name(b'demand 2')}, named by its state, holds other"),
    (blob_of_a_record_altered, f"blob {content_name(b'rows demand 4')}, named by record 4, holds"),
    (blob_removed, f"demand: blob {content_name(b'demand 5')}, named by its state, is missing"),
    (blob_of_a_record_removed, f"{content_name(b'rows demand 1')}, named by record 1, is missing"),
]  # fmt: skip
ANCHORED: list[tuple[Forge, str]] = [
    (tail_cut_with_the_old_head, "demand: record 7, anchored at 2026-03-04T12:00Z, is not in its"),
    (chain_rehashed_with_the_key, "demand: record 6 is not the one that was anchored at"),
    (chain_rehashed_plainly, "demand: record 6 is not the one that was anchored at"),
    (partition_removed, "demand: its journal is gone, but an anchor of 2026-03-04T12:00Z names"),
    (partitions_swapped, "churn: record 6 is not the one that was anchored at"),
]  # fmt: skip


#: Tried on both stores in every run; the others are tried on Azurite in the slow tier.
TWELVE = (
    tail_cut,
    record_altered,
    record_removed,
    record_inserted,
    chain_rehashed_plainly,
    wrong_key,
    heads_state,
    heads_sequence_set_back,
    partition_removed,
    partitions_swapped,
    blob_altered,
    blob_removed,
)


def cases(forgeries: list[tuple[Forge, str]]) -> list[Any]:
    return [
        pytest.param(
            store,
            forge,
            named,
            id=f"{store}-{forge.__name__}",
            marks=[pytest.mark.slow] if store == "azurite" and forge not in TWELVE else [],
        )
        for store in ("sqlite", "azurite")
        for forge, named in forgeries
    ]


@pytest.mark.parametrize(("forged", "forge", "named"), cases(FORGERIES), indirect=["forged"])
def test_a_forgery_is_named(forged: Forged, forge: Forge, named: str) -> None:
    forge(forged)
    found = forged.proof()
    assert not found.verified
    assert any(named in line for line in found.findings), found.findings
    # The other model's journal is none the worse, unless it was forged, too.
    if forge not in (partitions_swapped, wrong_key):
        assert all("demand" in line for line in found.findings)
    assert all("\n" not in line for line in found.findings)


@pytest.mark.parametrize(("forged", "forge", "named"), cases(ANCHORED), indirect=["forged"])
def test_a_forgery_by_who_has_the_key_is_named_by_an_anchor(
    forged: Forged, forge: Forge, named: str
) -> None:
    forge(forged)
    found = forged.proof(forged.kept)
    assert any(named in line for line in found.findings), found.findings


def test_all_that_is_wrong_is_said_at_once(forged: Forged) -> None:
    for forge in (record_altered, record_removed_late, blob_removed, heads_state):
        forge(forged)
    said = " ".join(forged.proof().findings)
    for part in ("record 3 ", "record 5 is missing", "is missing", "the state in its head"):
        assert part in said


def record_removed_late(at: Forged) -> None:
    at.store.commit("demand", [Delete(log_key(5))])


def test_verifying_writes_nothing(forged: Forged) -> None:
    before = {name: forged.rows(name) for name in MODELS}
    forged.proof(forged.kept)
    assert {name: forged.rows(name) for name in MODELS} == before
    with pytest.raises(Refused, match="read only"):
        forged.readonly().commit("demand", [Delete(HEAD)])


def test_a_step_is_not_made_from_a_head_that_somebody_else_wrote(forged: Forged) -> None:
    loop = Loop(forged.store, DOMAIN, lambda _: None, seal=SEAL)
    heads_state(forged)
    forged.alter(HEAD, wake_at=instant(NOON))
    with pytest.raises(Broken, match="the state in its head is not the one that record 6"):
        loop.drain("demand", NOON)
    assert loop.head("demand").halted
    assert forged.row(log_key(6)).text("hash") == forged.row(HEAD).text("hash")


def test_journal_verify_raises_the_first_finding(forged: Forged) -> None:
    assert verify(forged.store, "demand", SEAL) == LAST
    record_altered(forged)
    with pytest.raises(Broken, match="demand: journal record 3 does not follow"):
        verify(forged.store, "demand", SEAL)
