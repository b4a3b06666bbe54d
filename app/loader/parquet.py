"""A table in Parquet as the CSV that it could have been: `python -m app.loader.parquet`, from stdin to stdout.

In a process of its own, whose memory and time are bounded: in a few bytes, a file of this form can ask for any number
of gigabytes, and what reads it is native code. Whatever becomes of that, it becomes of that process.
"""

import io
import resource
import subprocess
import sys

from app.loader.problems import Kind, refusal
from app.loader.tables import LARGEST_TABLE_BYTES, LARGEST_TABLE_ROWS

LARGEST_PROCESS_BYTES = 2**32
"""Of address space: what the libraries set aside for their threads and never touch is in it."""

MOST_COLUMNS = 100
"""More than any table has, unknown ones included: what is empty in a column takes a comma."""

LONGEST_SECONDS = 60
ARGV = (sys.executable, "-m", "app.loader.parquet")
UNUSABLE = 2
"""The exit code where there is a sentence on stdout."""


def to_csv(name: str, data: bytes) -> bytes:
    """What is in a file, as CSV.

    Args:
        name: The file's name, for what is wrong with it.
        data: What is in it.

    Raises:
        SourceError: It is no Parquet, too large, or can't be a table of text and numbers.
    """
    try:
        done = subprocess.run(ARGV, input=data, capture_output=True, timeout=LONGEST_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise refusal(Kind.DAMAGED, name, f"can't be read in {LONGEST_SECONDS} s") from error
    if done.returncode == UNUSABLE:
        raise refusal(Kind.DAMAGED, name, done.stdout.decode(errors="replace"))
    if done.returncode != 0:
        raise refusal(
            Kind.DAMAGED, name, f"the file is damaged, or needs more memory than any count ({done.returncode})"
        )
    return done.stdout


def main() -> int:
    """Convert, and return the exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (LARGEST_PROCESS_BYTES, LARGEST_PROCESS_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_SECONDS, LONGEST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import polars as pl  # noqa: PLC0415  # it sets its memory aside as it is read: only now is there a bound

    file = io.BytesIO(sys.stdin.buffer.read())
    try:
        # A row more than there may be, so that the reader of the text refuses what has more.
        table = pl.read_parquet(file, n_rows=LARGEST_TABLE_ROWS + 2, use_pyarrow=False)
        if table.width > MOST_COLUMNS:
            return _say(f"has {table.width} columns")
        for name, kind in table.schema.items():
            if kind.is_nested() or kind.is_(pl.Binary) or kind.is_(pl.Object):
                return _say(f"the column {name!r} is of the type {kind}: text and numbers are read")
        size = sum(table[name].cast(pl.String).str.len_bytes().sum() for name in table.columns)
        if size > LARGEST_TABLE_BYTES:
            return _say(f"has more than {LARGEST_TABLE_BYTES} bytes of text")
        table.write_csv(sys.stdout.buffer)
    except pl.exceptions.PolarsError as error:
        return _say(f"the file is damaged ({' '.join(str(error).split())[:200]})")
    return 0


def _say(why: str) -> int:
    sys.stdout.write(why)
    return UNUSABLE


if __name__ == "__main__":
    sys.exit(main())
