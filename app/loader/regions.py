"""The tree of regions: nation, provinces and abroad, kabupaten/kota, kecamatan, kelurahan/desa."""

from dataclasses import dataclass, field

from app.layout import RegionPath
from app.loader.problems import FieldError, Problem, SourceError
from app.loader.tables import read_rows, whole_number

FILE = "regions.csv.gz"
COLUMNS = ("id", "parent_id", "depth", "name")
NATION = 0
KELURAHAN_DEPTH = 4
LARGEST_ID = 10**9


@dataclass(frozen=True, slots=True)
class Region:
    """A node of the tree.

    Args:
        id: Situng's own id.
        path: The ids from the province down to this one; empty for the nation.
        name: As published.
        children: The ids of what it consists of, in the file's order.
    """

    id: int
    path: RegionPath
    name: str
    children: list[int] = field(default_factory=list[int])

    @property
    def parent(self) -> int | None:
        """The id of the region that it is a part of; None for the nation."""
        return (NATION, *self.path)[-2] if self.path else None

    @property
    def depth(self) -> int:
        """0 for the nation, 4 for a kelurahan."""
        return len(self.path)


def read_regions(table: bytes) -> dict[int, Region]:
    """Read the tree, parents before children.

    Args:
        table: The text of the table of regions.

    Raises:
        SourceError: With every row that doesn't fit.
    """
    tree: dict[int, Region] = {}
    problems: list[Problem] = []
    for row, fields in read_rows(FILE, table, COLUMNS):
        if len(fields) != len(COLUMNS):
            problems.append(Problem(FILE, row, "", f"{len(fields)} fields instead of {len(COLUMNS)}"))
            continue
        problem = _add(tree, row, *fields)
        if problem:
            problems.append(problem)
    if NATION not in tree and not problems:
        problems.append(Problem(FILE, 0, "id", "the nation (id 0) is missing"))
    if problems:
        raise SourceError(problems)
    return tree


def _add(tree: dict[int, Region], row: int, id_: str, parent_id: str, depth: str, name: str) -> Problem | None:
    try:
        number = whole_number("id", id_, -LARGEST_ID, LARGEST_ID)
        if number in tree:
            raise FieldError("id", f"{number} is in the file twice")
        if not name.strip():
            raise FieldError("name", "is empty")
        if number == NATION:
            tree[number] = Region(number, (), name)
            return None
        parent = tree.get(whole_number("parent_id", parent_id, -LARGEST_ID, LARGEST_ID))
        if parent is None:
            raise FieldError("parent_id", f"no region {parent_id} comes before this one")
        if whole_number("depth", depth, 1, KELURAHAN_DEPTH) != parent.depth + 1:
            raise FieldError("depth", f"{depth} under a region of depth {parent.depth}")
    except FieldError as error:
        return Problem(FILE, row, error.field, str(error))
    parent.children.append(number)
    tree[number] = Region(number, (*parent.path, number), name)
    return None
