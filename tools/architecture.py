"""Draw which rooms import which: docs/architecture.md, from the code's own imports.

`make diagram` writes it. What .importlinter forbids is not there to be drawn; a test holds the page against the code.
"""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import grimp

PROJECT = Path(__file__).resolve().parent.parent
DOCUMENT = PROJECT / "docs/architecture.md"
PACKAGES = ("app", "infra", "roles")
Arrows = frozenset[tuple[str, str]]


def read_imports() -> list[tuple[str, str]]:
    """Every import between modules of this project."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    modules = sorted(graph.modules)
    return [(module, found) for module in modules for found in sorted(graph.find_modules_directly_imported_by(module))]


def between_packages(imports: Iterable[tuple[str, str]]) -> Arrows:
    """Arrows between packages; the bridge is apart, since it is all that crosses."""
    return _arrows(
        imports, lambda module: "infra/bridge" if module.startswith("infra.bridge") else module.split(".")[0]
    )


def between_rooms(imports: Iterable[tuple[str, str]], package: str) -> Arrows:
    """Arrows between the folders of a package; a module at its top is a room of its own."""
    inside = [pair for pair in imports if all(module.startswith(f"{package}.") for module in pair)]
    return _arrows(inside, lambda module: module.split(".")[1])


def _arrows(imports: Iterable[tuple[str, str]], room_of: Callable[[str], str]) -> Arrows:
    rooms = ((room_of(source), room_of(target)) for source, target in imports)
    return frozenset((source, target) for source, target in rooms if source != target)


def draw(arrows: Arrows) -> str:
    """Arrows as Mermaid text."""
    lines = [f"    {_id(source)}[{source}] --> {_id(target)}[{target}]" for source, target in sorted(arrows)]
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```"])


def write(page: str, imports: list[tuple[str, str]]) -> str:
    """The page with its drawings made anew.

    Args:
        page: The page; a drawing stands between `<!-- drawing: NAME -->` and `<!-- end -->`.
        imports: Every import.
    """
    drawings = {"packages": draw(between_packages(imports))}
    drawings |= {package: draw(between_rooms(imports, package)) for package in ("infra", "roles")}
    for name, text in drawings.items():
        mark = re.compile(rf"(<!-- drawing: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page = mark.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)
    return page


def _id(room: str) -> str:
    return re.sub(r"\W", "_", room)


def main() -> int:
    """Write the page; return the exit code."""
    DOCUMENT.write_text(write(DOCUMENT.read_text(encoding="utf-8"), read_imports()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
