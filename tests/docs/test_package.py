"""What azd would send to Azure, and what must never be in the repository."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import packages

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
#: Event Grid's own application (Microsoft Learn, Secure WebHook delivery with Microsoft Entra ID).
EVENT_GRID = "4962773b-9cdb-44cf-a8bf-237846a00ab7"
GUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
#: The request of the sample event on Microsoft Learn, Azure Blob Storage as Event Grid source.
SAMPLE = "831e1650-001e-001b-66ab-eeb76e069631"
#: A made-up one: a single digit in each group, but for a counter at the end; or an empty middle.
MADE_UP = re.compile(r"(.)\1{7}-(.)\2{3}-(.)\3{3}-(.)\4{3}-(.)\5{7}.{4}|.{8}-0000-4000-8000-.{12}")
#: Azurite's account key is the same on every machine (Microsoft Learn, Use the Azurite emulator).
AZURITE = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\beyJ[\w-]{20,}\.[\w-]{20,}\.|[?&]sig=[\w%]{20,}"
    r"|(?<![\w/+])[\w/+]{86}==|\bghp_\w{30,}"
)


def ignored(path: str, patterns: list[str]) -> bool:
    """Whether a pattern names the path or a folder above it, as .gitignore has it."""
    *folders, name = path.split("/")
    for pattern in patterns:
        names = folders if pattern.endswith("/") else [*folders, name]
        if any(fnmatch.fnmatchcase(one, pattern.rstrip("/")) for one in names):
            return True
    return False


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/a.py", True), ("engine/tests/a.py", True), ("tests.py", False),
        ("README.md", True), ("docs/azure.txt", True), ("fleet/a.py", False),
        ("driftwarden.egg-info/PKG-INFO", True),
    ],
)  # fmt: skip
def test_patterns_are_read_as_git_reads_them(path: str, expected: bool) -> None:
    assert ignored(path, ["tests/", "*.md", "docs/", "*.egg-info/"]) == expected


def packaged() -> dict[str, int]:
    """Files that azd would send, and their sizes; a fleet.yaml of the user's among them."""
    patterns = (ROOT / ".funcignore").read_text().split()
    assert not [one for one in patterns if "/" in one.rstrip("/") or one.startswith("!")]

    def below(folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            relative = path.relative_to(ROOT).as_posix()
            if not ignored(f"{relative}/x" if path.is_dir() else relative, patterns):
                yield from below(path) if path.is_dir() else [path]

    return {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in below(ROOT)}


def test_the_package_is_the_app_and_nothing_else() -> None:
    found = packaged()
    top = {path.partition("/")[0] for path in found} - {"fleet.yaml"}
    assert top == {*packages.SHIPPED, "cli.py", "function_app.py", "host.json", "requirements.txt"}
    assert sum(found.values()) < 3 * MIB


def test_every_module_and_file_of_the_app_is_in_the_package() -> None:
    found = packaged()
    for package in packages.SHIPPED:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert path.relative_to(ROOT).as_posix() in found, path
    code = (
        "import sys, json, function_app, hosts.face, dashboards.pages; print(json.dumps("
        "[m.__file__ for m in sys.modules.values() if getattr(m, '__file__', None)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = [Path(name) for name in json.loads(done.stdout)]
    ours = [p for p in loaded if p.is_relative_to(ROOT) and not p.is_relative_to(ROOT / ".venv")]
    assert len(ours) > 20
    assert {path.relative_to(ROOT).as_posix() for path in ours} <= found.keys()


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: there is no list of what is in the repository")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_no_secret_and_nobodys_identifier_is_in_the_repository() -> None:
    roles = json.loads((ROOT / "infra" / "roles.json").read_text())["definitions"]
    known = {one["id"] for one in roles.values()} | {EVENT_GRID, SAMPLE}
    for path in tracked():
        if not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", "ignore").replace(AZURITE, "")
        where = path.relative_to(ROOT).as_posix()
        secret = SECRET.search(text)
        assert secret is None, f"{where}: {secret and secret[0][:20]}…"
        for guid in GUID.findall(text):
            assert guid.lower() in known or MADE_UP.fullmatch(guid), f"{where}: {guid}"
