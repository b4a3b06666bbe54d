"""What is wrong with an input, said so that the row can be found and mended."""

from dataclasses import dataclass

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that doesn't fit.

    Args:
        file: The file's name.
        row: The line in the unpacked file, the header being line 1; 0 for the file as a whole.
        field: The column; empty for the row as a whole.
        text: What is wrong, with the value.
    """

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
        field: The column.
        text: What is wrong, with the value.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


class SourceError(Exception):
    """The input can't be published as it is.

    Args:
        problems: What is wrong, in the order of the rows.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        lines = [str(problem) for problem in problems[:SHOWN]]
        if len(problems) > SHOWN:
            lines.append(f"… and {len(problems) - SHOWN} more")
        super().__init__("\n".join(lines))
