"""What is wrong with an input, said so that the row can be found and mended, however much it is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

SHOWN = 20
"""Of each kind: what is wrong in a whole column is seen in the first rows, and a million rows would fill the memory."""

LONGEST_VALUE = 40
"""Signs of a field that are shown of it."""


class Kind(Enum):
    """What sort of thing doesn't fit, in the words of the report."""

    SOURCE = "a source that can't be read"
    ELECTION = "an election that can't be shown as it is described"
    DAMAGED = "a table that is damaged"
    HEADER = "columns that are not those of the table"
    SHAPE = "rows with too few or too many fields"
    EMPTY = "fields that are empty"
    NO_NUMBER = "fields that are no whole number"
    BOUNDS = "numbers out of bounds"
    TEXT = "names that can't be shown"
    UNKNOWN = "regions that are not in the table of regions"
    PLACE = "rows in the wrong place"
    TWICE = "rows that are there twice"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that doesn't fit.

    Args:
        kind: What sort of thing it is.
        file: The file's name, or the table's.
        row: The line in the unpacked file on which the row begins, the header being line 1; 0 for the file as a whole.
            Of what is no text (Parquet, PostgreSQL): the line that it would be on.
        field: The column; empty for the row as a whole.
        text: What is wrong, with the value.
    """

    kind: Kind
    file: str
    row: int
    field: str
    text: str

    def __str__(self) -> str:
        where = [self.file, f"row {self.row}" if self.row else "", self.field]
        return f"{', '.join(part for part in where if part)}: {self.text}"


class FieldError(ValueError):
    """A field that doesn't fit.

    Args:
        kind: What sort of thing it is.
        field: The column.
        text: What is wrong, with the value.
    """

    def __init__(self, kind: Kind, field: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.field = field

    def at(self, file: str, row: int) -> Problem:
        """The problem, by where the field stands."""
        return Problem(self.kind, file, row, self.field, str(self))


@dataclass
class Report:
    """What doesn't fit: of each kind how often, and the first of them. Its length is how much there is in all."""

    _counts: dict[Kind, int] = field(default_factory=dict[Kind, int])
    _first: dict[Kind, list[Problem]] = field(default_factory=dict[Kind, list[Problem]])

    def add(self, problem: Problem) -> None:
        """Take note of a thing."""
        self._counts[problem.kind] = self._counts.get(problem.kind, 0) + 1
        first = self._first.setdefault(problem.kind, [])
        if len(first) < SHOWN:
            first.append(problem)

    def __len__(self) -> int:
        return sum(self._counts.values())

    def __iter__(self) -> Iterator[Problem]:
        """Those that are shown, kind after kind."""
        for first in self._first.values():
            yield from first

    def count(self, kind: Kind) -> int:
        """How many of a kind there are."""
        return self._counts.get(kind, 0)

    def __str__(self) -> str:
        """A line for each that is shown; with a heading for each kind, unless there is only one thing to say."""
        lines: list[str] = []
        for kind, first in self._first.items():
            if len(self) > 1:
                rest = f", the first {SHOWN}" if self._counts[kind] > SHOWN else ""
                lines.append(f"{kind.value} ({self._counts[kind]}{rest}):")
            lines += map(str, first)
        return "\n".join(lines)


class SourceError(Exception):
    """The input can't be published as it is.

    Args:
        problems: What is wrong.
    """

    def __init__(self, problems: Report) -> None:
        self.problems = problems
        super().__init__(str(problems))


def refusal(kind: Kind, file: str, text: str, *, row: int = 0, column: str = "") -> SourceError:
    """The error of an input of which there is one thing to say.

    Args:
        kind: What sort of thing it is.
        file: The file's name, or the table's.
        text: What is wrong.
        row: The line; 0 for the file as a whole.
        column: The column; empty for the row as a whole.
    """
    report = Report()
    report.add(Problem(kind, file, row, column, text))
    return SourceError(report)


def shown(text: str) -> str:
    """A field's text as it is shown: short, in quotes, and without signs that a terminal would act on."""
    return repr(text[:LONGEST_VALUE])
