"""The page on how it is put together shows the imports of today."""

import pytest

from tools.architecture import DOCUMENT, between_packages, between_rooms, read_imports, write

IMPORTS = [
    ("roles.tasks.status", "roles.hosts.state"),
    ("roles.tasks.verify", "roles.hosts.fleet"),
    ("roles.hosts.state", "roles.hosts.fleet"),
    ("roles.hosts.state", "infra.bridge.errors"),
    ("infra.bridge.inventory", "infra.bridge.errors"),
]


def test_the_page_is_of_today() -> None:
    page = DOCUMENT.read_text(encoding="utf-8")
    assert write(page, read_imports()) == page, "type make diagram"


def test_imports_within_a_room_are_no_arrow() -> None:
    assert between_rooms(IMPORTS, "roles") == {("tasks", "hosts")}
    assert between_packages(IMPORTS) == {("roles", "infra/bridge")}


@pytest.mark.parametrize("name", ["packages", "roles", "infra"])
def test_each_drawing_has_its_place(name: str) -> None:
    marks = f"<!-- drawing: {name} -->\n<!-- end -->"
    assert "```mermaid" in write(marks, IMPORTS)
