"""Uploads a document and the files beside it: the document last, and over nobody else's change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import md5
from pathlib import Path

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient, ContentSettings

from engine.errors import Conflict, Refused
from hosts.azure.storage.storage_errors import Expected, translated
from hosts.contained.container import Beside, Listed
from hosts.contained.place import Place, check_store
from hosts.folders import files_below
from hosts.runnable import Found

ELSEWHERE = "://"


def push(service: BlobServiceClient, place: Place, file: Path, found: Found) -> list[str]:
    """Upload a valid document, and return the names of what was uploaded; empty if nothing changed.

    Raises
    ------
    Refused
        A file lies elsewhere or cannot be read, the document keeps its state elsewhere, or
        somebody else uploads at the same time.
    Unavailable
        The service does not answer, or denies it.
    """
    check_store(found.usable(), file.name)
    beside = Beside(service, place)
    names = {name: place.blob(name) for name in sorted(named(found, file.parent))}
    _make(beside)
    listed = beside.listed()
    changed = [
        name
        for name, blob in names.items()
        if _upload(beside, blob, file.parent / name, listed.get(blob))
    ]
    # A new date of the document says that its files are whole.
    if _upload(beside, place.path, file, listed.get(place.path), always=bool(changed)):
        changed.append(file.name)
    return changed


def named(found: Found, folder: Path) -> Iterator[str]:
    """Yield the files beside the document that have to be uploaded with it, tables included."""
    yield from found.files
    for watched in found.usable().fleet.models.values():
        data = watched.policy.reference.data
        if ELSEWHERE not in data:
            yield from _files(folder, data)


def _files(folder: Path, name: str) -> Iterable[str]:
    if not (folder / name).is_dir():
        return (name,)
    return (one.relative_to(folder).as_posix() for one in files_below(folder / name))


def _make(beside: Beside) -> None:
    with translated(str(beside.place)), Expected(ResourceExistsError):
        beside.container.create_container()


def _upload(
    beside: Beside, blob: str, file: Path, known: Listed | None, *, always: bool = False
) -> bool:
    """Upload a file over what was listed; False where that has the same content."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Refused(f"{file}: cannot be read: {error.strerror}") from error
    digest = md5(content, usedforsecurity=False).digest()
    if known is not None and known.digest == digest and not always:
        return False
    settings = ContentSettings(content_md5=bytearray(digest))
    told = f"{beside.place.container}/{blob}"
    try:
        with translated(told):
            client = beside.container.get_blob_client(blob)
            if known is None:
                client.upload_blob(content, overwrite=False, content_settings=settings)
            else:
                client.upload_blob(
                    content,
                    overwrite=True,
                    content_settings=settings,
                    etag=known.etag,
                    match_condition=MatchConditions.IfNotModified,
                )
    except Conflict:
        again = "somebody else uploaded it meanwhile; look at it, and push again"
        raise Refused(f"{told}: {again}") from None
    return True
