"""What the deployed app installs, in bytes, and imports for its first request, in seconds."""

from __future__ import annotations

import resource
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements.txt"
#: What health, an event and the timer import, with everything that the host opens for them. Pandas
#: and Evidently are not in the app's package; pyarrow imports pandas wherever it is installed.
FIRST_REQUEST = """\
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in ("evidently", "pandas"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import function_app
from hosts import face, read_config, ticking
import azure.identity
import hosts.azure.host
import hosts.azure.telemetry
late = {"azure.ai.ml", "scipy.optimize", "scipy.special", "scipy.stats"} & sys.modules.keys()
assert not late, late
"""


def installed() -> dict[str, int]:
    """Return the bytes of each distribution that requirements.txt and its packages ask for.

    They are the installed ones: `make` installs every package of requirements.txt, at versions
    that pyproject.toml allows. Compiled modules count, as in a real installation.
    """
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    waiting = [Requirement(line) for line in lines if line and not line.startswith("#")]
    extras: dict[str, set[str]] = {}
    while waiting:
        asked = waiting.pop()
        name = canonicalize_name(asked.name)
        if not _holds(asked, {""}) or (name in extras and asked.extras <= extras[name]):
            continue
        known = extras.setdefault(name, set())
        known |= asked.extras
        for line in metadata.requires(name) or ():
            needed = Requirement(line)
            if _holds(needed, {"", *known}):
                needed.marker = None
                waiting.append(needed)
    return {name: _size(name) for name in extras}


def _holds(asked: Requirement, extras: set[str]) -> bool:
    return asked.marker is None or any(asked.marker.evaluate({"extra": one}) for one in extras)


def _size(name: str) -> int:
    paths = (Path(str(file.locate())) for file in metadata.files(name) or ())
    return sum(path.stat().st_size for path in paths if path.is_file())


def first_request() -> float:
    """Return the processor seconds of a new process that imports what a first request needs."""
    before = _used()
    subprocess.run([sys.executable, "-c", FIRST_REQUEST], check=True, cwd=ROOT)
    return _used() - before


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
