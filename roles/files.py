"""Files on hosts: rendered from templates/, whose tree mirrors the host's, one directory for each role."""

import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.errors import OperatorError

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


@dataclass(frozen=True)
class HostFile:
    """A file as it should be on a host. Everything placed this way belongs to root.

    Args:
        path: Where on the host.
        content: Its bytes.
        mode: Permission bits.
        checker: The daemon's own checker; the word `staged/<path>` stands for the file before it is in place.
        actions: Commands to run when it has changed, in order; the same command runs once.
        drained: Whether the host must be out of the pool while they run.
    """

    path: PurePosixPath
    content: bytes
    mode: int = 0o644
    checker: tuple[str, ...] = ()
    actions: tuple[tuple[str, ...], ...] = ()
    drained: bool = False


@cache
def _environment() -> Environment:
    # Not HTML: quoting is the business of each file's own syntax.
    return Environment(  # noqa: S701
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(role: str, path: str, values: Mapping[str, object]) -> bytes:
    """Render templates/<role>/<path>.j2; a name it uses and `values` lacks is an error (StrictUndefined)."""
    return _environment().get_template(f"{role}{path}.j2").render(values).encode()


def archive(files: Iterable[HostFile]) -> bytes:
    """The files as a tar for a host's standard input."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as out:
        for file in files:
            info = tarfile.TarInfo(str(file.path).lstrip("/"))
            info.size, info.mode, info.uname, info.gname = len(file.content), file.mode, "root", "root"
            out.addfile(info, io.BytesIO(file.content))
    return buffer.getvalue()


def actions_of(files: Iterable[HostFile]) -> list[tuple[str, ...]]:
    """What the changed files ask for, each command once, in the files' order."""
    return list(dict.fromkeys(action for file in files for action in file.actions))


def read_signers(public_key: Path, principal: str) -> str:
    """The line of an allowed_signers file.

    Raises:
        OperatorError: The key is missing.
    """
    try:
        kind, key, *_ = public_key.read_text(encoding="ascii").split()
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"the release key {public_key.name} can't be read; set-up makes it", next_command="make setup"
        ) from error
    return f'{principal} namespaces="tegak-release,tegak-snapshot" {kind} {key}\n'
