"""Putting rendered files on a host: staged, compared, checked, and only then moved into place."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from roles.files import HostFile, actions_of
from roles.scripts.quoting import Script, command, script

UNPACK = 'stage=$(mktemp -d /run/tegak-stage.XXXXXX); trap \'rm -rf "$stage"\' EXIT; tar -x -C "$stage"'
PENDING = PurePosixPath("/var/lib/tegak/pending")
"""A mark for each file that is in place while what it asks for has not been done yet: it counts as different."""

STAGED = PurePosixPath("staged")
"""Stands for the staging directory in a checker's words."""


def compare_files(files: Iterable[HostFile]) -> Script:
    """Print the path of each file that differs from the host's, in content, mode or owner; stdin is a tar of them."""
    return script(UNPACK, *(_if_differs(file, command("echo", file.path)) for file in files))


def place_files(files: Sequence[HostFile]) -> Script:
    """Check the files and move them into place, all or none; stdin is a tar of them."""
    checks = [_check(file) for file in files if file.checker]
    moves = [
        line
        for file in files
        for line in (
            command("mkdir", "-p", file.path.parent),
            # Copied beside its place, then renamed: /run is another file system, and no reader may see half a file.
            f'cp -p "$stage"{command(file.path)} {command(_new(file))}',
            command("mv", "-T", _new(file), file.path),
        )
    ]
    marks = [command("mkdir", "-p", PENDING), *(command("touch", _mark(file)) for file in files)]
    return script(UNPACK, *checks, *marks, *moves)


def run_actions(files: Sequence[HostFile]) -> Script:
    """Run what the placed files ask for."""
    actions = [command(*action) for action in actions_of(files)]
    return script(*actions, command("rm", "-f", *(_mark(file) for file in files)), timeout_seconds=90)


def _mark(file: HostFile) -> PurePosixPath:
    return PENDING / str(file.path).lstrip("/").replace("/", ":")


def _new(file: HostFile) -> PurePosixPath:
    return file.path.with_name(f"{file.path.name}.tegak-new")


def _check(file: HostFile) -> str:
    words = " ".join(_staged(word) for word in file.checker)
    said = command("echo", f"{file.path} is refused by its checker:")
    return f'message=$({words} 2>&1) || {{ {said} "$message" | tail -3 >&2; exit 1; }}'


def _staged(word: str) -> str:
    prefix = f"{STAGED}/"
    return f'"$stage"/{command(word.removeprefix(prefix))}' if word.startswith(prefix) else command(word)


def _if_differs(file: HostFile, then: str) -> str:
    here, there = command(file.path), f'"$stage"{command(file.path)}'
    stat = f"stat -c %a:%U:%G {here} 2>/dev/null"
    wanted = command(f"{file.mode:o}:root:root")
    return f'cmp -s {there} {here} && [ "$({stat})" = {wanted} ] && [ ! -e {command(_mark(file))} ] || {then}'
