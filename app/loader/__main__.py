"""`python -m app.loader SOURCE TARGET`: build a snapshot of the tables in SOURCE, in a folder in TARGET.

Without TARGET, SOURCE is read, and then the other words come on standard input, in a line that is a list in JSON: what
it is to be made of may be known later than that a snapshot is wanted. Where none come, none is built.

What it prints are lines of JSON: `progress` while it works; then `built`, or `problems` (exit code 2). A process of its
own, since a nation's tables take most of a gigabyte, and the libraries for them a second to load.
"""

import argparse
import json
import sys
from pathlib import Path

from app.loader.announcement import Announcement
from app.loader.build import build_snapshot
from app.loader.packing import PackError
from app.loader.problems import SourceError
from app.loader.sources import Source, read_source

UNUSABLE, INTERRUPTED = 2, 130
"""Exit codes: the source can't be used; Ctrl-C."""


def main() -> int:
    """Build, and return the exit code."""
    parser = _parser()
    arguments = parser.parse_args()
    try:
        source = read_source(arguments.source)
        if arguments.target is None:
            words = json.loads(sys.stdin.readline() or "null")
            if words is None:
                return INTERRUPTED
            arguments = parser.parse_args([arguments.source, *words])
        return _build(source, arguments)
    except SourceError as error:
        _say(problems=str(error), count=len(error.problems))
        return UNUSABLE
    except KeyboardInterrupt:  # told by who was interrupted with it
        return INTERRUPTED
    except (OSError, PackError) as error:
        why = getattr(error, "strerror", None) or error  # polars' own has no such word
        _say(problems=f"the snapshot can't be written: {why}", count=0)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app.loader", description=__doc__)
    parser.add_argument("source", help="a directory with the two tables, or postgresql://…; see docs/sources.md")
    parser.add_argument("target", nargs="?", type=Path, help="where the snapshot's folder goes")
    parser.add_argument("--previous", type=Path, help="the folder of the snapshot that is shown: what it is made of")
    parser.add_argument("--after", type=int, default=0, help="when that was built: this one is newer")
    parser.add_argument("--correction", help="why numbers may go back, for the public")
    parser.add_argument("--every-seconds", type=int, help="the interval in which results are published, for the public")
    parser.add_argument("--allow-errors", action="store_true", help="leave out what doesn't fit")
    return parser


def _build(source: Source, arguments: argparse.Namespace) -> int:
    built = build_snapshot(
        source,
        arguments.target,
        progress=_tell,
        allow_errors=arguments.allow_errors,
        previous=arguments.previous,
        after=arguments.after,
        announcement=Announcement(arguments.correction, arguments.every_seconds),
    )
    _say(built={"name": built.name, "skipped": len(built.skipped), "source": built.source})
    return 0


def _tell(part: str, done: int, total: int) -> None:
    _say(progress=[part, done, total])


def _say(**said: object) -> None:
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
