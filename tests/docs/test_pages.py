"""The hand-written pages: order, numbering, links, and words that do not belong here."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path

from hosts import read_config

SECTIONS = ("Context", "Decision", "Consequences", "Rejected")
FOREIGN = re.compile(
    r"(?<!scope=\")\bsessions?\b"
    r"|(?<![\w.])/(work|root|home|opt)/"
    r"|\b(pypi\.org|pythonhosted|registry\.npmjs|proxy\.golang)\b",
    re.IGNORECASE,
)
TEXT = {"", ".cfg", ".css", ".html", ".ics", ".json", ".md", ".py", ".toml", ".txt", ".yaml"}


def _files(root: Path) -> Iterator[Path]:
    patterns = (root / ".gitignore").read_text().split()
    ignored = [".git", *(pattern.rstrip("/") for pattern in patterns)]

    def walk(folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if any(fnmatch.fnmatch(path.name, pattern) for pattern in ignored):
                continue
            if path.is_dir():
                yield from walk(path)
            elif path.suffix in TEXT:
                yield path

    return walk(root)


def test_glossary_terms_are_in_order_and_explained_in_one_line(root: Path) -> None:
    body = (root / "GLOSSARY.md").read_text(encoding="utf-8").split("\n\n", 2)[2]
    lines = body.strip().splitlines()
    found = [re.fullmatch(r"- \*\*([^*]+)\*\*( \([^)]+\))?: .+\.", line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]
    terms = [match[1] + (match[2] or "") for match in found if match]
    assert [t.partition(" (")[0].lower() for t in terms] == sorted(
        t.partition(" (")[0].lower() for t in terms
    )
    assert len(set(terms)) == len(terms)


def test_decisions_are_numbered_whole_and_linked(root: Path) -> None:
    folder = root / "docs" / "adr"
    pages = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    listed = re.findall(
        r"^(\d+)\. \[(.+)\]\((.+)\)$", (folder / "README.md").read_text(), re.MULTILINE
    )
    assert [name for _, _, name in listed] == [page.name for page in pages]
    for number, (page, (place, title, _)) in enumerate(zip(pages, listed, strict=True), 1):
        text = page.read_text(encoding="utf-8")
        assert int(place) == number
        assert page.name.startswith(f"{number:04d}-")
        assert text.startswith(f"# {number:04d} {title}\n")
        assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == SECTIONS


def test_files_that_pages_name_exist(root: Path) -> None:
    pages = [root / "CONTRIBUTING.md", *(root / "docs").rglob("*.md")]
    packages = "engine|monitoring|retrain|fleet|dashboards|hosts|tests|examples|docs"
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for name in re.findall(rf"`((?:{packages})/[\w./-]+)`", text):
            assert "NAME" in name or (root / name).exists(), f"{page.name}: {name}"


def test_the_changelog_has_an_open_section(root: Path) -> None:
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^## \[Unreleased\]\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    lines = [line for line in section.splitlines() if line and not line.startswith("#")]
    assert lines
    assert all(re.fullmatch(r"- .+\.", line) for line in lines)


def test_the_example_has_no_fault(root: Path) -> None:
    config = read_config(root / "fleet.example.yaml")
    assert set(config.fleet.models) == {"churn", "fraud"}
    assert config.fleet.models["fraud"].policy.team == "payments"


def test_nothing_names_a_workplace(root: Path) -> None:
    here = Path(__file__)
    for path in _files(root):
        if path != here:
            found = FOREIGN.search(path.read_text(encoding="utf-8"))
            assert found is None, f"{path.relative_to(root)}: {found and found[0]!r}"
