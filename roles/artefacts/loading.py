"""The loader: the process that reads a source and builds a snapshot of it."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from app.loader.addresses import absolute, short_name
from infra.bridge.errors import OperatorError
from roles.stack.checkout import Checkout

BuildProgress = Callable[[str, int, int], None]
"""Called with what is being done, how many parts of the work are done, and how many there are."""


class Loader:
    """A loader at work: it reads from the moment it is started, and builds when it is told of what.

    Args:
        checkout: Whose code it is.
        source: A directory with the two tables, or an address of PostgreSQL.
        allow_errors: Leave out rows that don't fit.
    """

    def __init__(self, checkout: Checkout, source: str | Path, *, allow_errors: bool) -> None:
        self._source, self._allow_errors = source, allow_errors
        argv = [sys.executable, "-m", "app.loader", absolute(str(source), Path.cwd())]
        self._process = subprocess.Popen(
            argv, cwd=checkout.project, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it, if it has not ended: nobody would take what it builds."""
        with self._process:
            self._process.kill()

    def build(self, target: Path, options: Sequence[str], progress: BuildProgress | None) -> dict[str, Any]:
        """Build; what it says of what it has built.

        Args:
            target: The directory for the snapshot's folder.
            options: The loader's own; see `app.loader`.
            progress: Told how far it is.

        Raises:
            OperatorError: The source can't be published as it is, or there is no room for it.
        """
        words = [str(target), *options, *(["--allow-errors"] if self._allow_errors else [])]
        if self._process.stdin:
            with suppress(BrokenPipeError), self._process.stdin as told:  # it may have ended, and said why
                told.write(f"{json.dumps(words)}\n")
        said: dict[str, Any] = {}
        for line in self._process.stdout or ():
            said = json.loads(line)
            if progress and "progress" in said:
                progress(*said["progress"])
        code = self._process.wait()
        if "built" in said:
            return cast("dict[str, Any]", said["built"])
        raise self._refusal(said, code)

    def _refusal(self, said: dict[str, Any], code: int) -> OperatorError:
        if not said.get("count"):
            why = said.get("problems", f"the loader ended with {code}")
            return OperatorError(f"{why}; nothing was published", next_command="df -h .; free -m")
        hint = (
            ""
            if self._allow_errors
            else f" and fab publish --source {self._source}, or with --allow-errors without these rows"
        )
        what = f"{said['count']} things in {short_name(str(self._source))}"
        return OperatorError(
            f"nothing was published, {what} don't fit:\n{said['problems']}", next_command=f"mend them{hint}"
        )
