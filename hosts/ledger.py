"""A JSON Lines file to which every key is added once, even after crashes."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from hosts import private


def append_once(path: Path, key: str, fields: Mapping[str, Any]) -> bool:
    """Add {"key": key, **fields} as a line; False where the key is there already.

    A line truncated by a crash is removed first. Raises OSError where the file cannot be
    written.
    """
    private.make_folder(path.parent)
    with private.opened(path, "a+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if not _room(stream, b'{"key": %s,' % json.dumps(key).encode()):
            return False
        stream.write(json.dumps({"key": key, **fields}).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
        return True


def _room(stream: IO[bytes], mark: bytes) -> bool:
    stream.seek(0)
    whole = 0
    for line in stream:
        if not line.endswith(b"\n"):
            stream.truncate(whole)
            break
        if line.startswith(mark):
            return False
        whole += len(line)
    return True
