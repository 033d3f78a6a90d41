"""Where a document may lie in a container, and which files lie beside it."""

from __future__ import annotations

import pytest

from engine.errors import Refused
from hosts.contained.place import Place


@pytest.mark.parametrize(
    "text",
    [
        "azure:",
        "azure:config",
        "azure:config/",
        "azure:config//fleet.yaml",
        "azure:config/../fleet.yaml",
        "azure:/fleet.yaml",
        "azure:config/a/",
        "az://config/fleet.yaml",
        "fleet.yaml",
    ],
)
def test_what_names_no_blob_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="azure:CONTAINER/PATH is expected"):
        Place.read(text)


@pytest.mark.parametrize(
    ("file", "blob"),
    [
        ("a.ics", "prod/a.ics"),
        ("./a.ics", "prod/a.ics"),
        ("slo/a.yaml", "prod/slo/a.yaml"),
        ("slo/../a.yaml", "prod/a.yaml"),
        ("..a", "prod/..a"),
        ("..", ""),
        ("", ""),
        ("/a.ics", ""),
        ("../prod/a.ics", ""),
        ("slo/../../a.ics", ""),
        ("..\\a.ics", ""),
    ],
)
def test_files_lie_beside_it_or_below(file: str, blob: str) -> None:
    place = Place.read("azure:config/prod/fleet.yaml")
    if blob:
        assert place.blob(file) == blob
        return
    with pytest.raises(Refused, match=r"lies outside of the folder of fleet\.yaml"):
        place.blob(file)
