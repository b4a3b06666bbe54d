"""Changing what a host runs, and putting it back: what was there before is kept on the host until the rollout ends."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from roles.scripts.artefacts import point
from roles.scripts.host_files import HostFile
from roles.scripts.layout import CURRENT_RELEASE, MANAGED, PENDING, RELEASES, ROLLOUTS, SERVICE
from roles.scripts.quoting import Script, ask_checker, command, group, script, to_errors, unless

UNPACK = 'stage=$(mktemp -d /run/tegak-stage.XXXXXX); trap \'rm -rf "$stage"\' EXIT; tar -x -C "$stage"'
STAGED = PurePosixPath("staged")
"""Stands for the staging directory in a checker's words."""

RESTART_SERVICE = ("systemctl", "restart", SERVICE)
ACTIVATE_SECONDS = 120
STARTING = frozenset({"restart", "reload", "reload-or-restart", "try-reload-or-restart"})
JOURNALS_LINES = 3
ONE_A_LINE = "%s\\n"


def activate(
    rollout: str,
    files: Sequence[HostFile],
    gone: Sequence[PurePosixPath],
    wanted: Sequence[PurePosixPath],
    release: str | None,
) -> Script:
    """Check and place files, point at a release, and do what they ask for; only while the host is drained.

    Args:
        rollout: The rollout's id: what the host had before is kept under it.
        files: What differs; standard input is a tar of them.
        gone: Files of an earlier configuration, to be removed.
        wanted: All files that the host should have.
        release: The release to run; None to leave it as it is.
    """
    saved = ROLLOUTS / rollout
    moves = [
        line
        for file in files
        for line in (
            command("mkdir", "-p", file.path.parent),
            # Copied beside its place, then renamed: /run is another file system, and no reader may see half a file.
            f'cp -p "$stage"{command(file.path)} {command(_new(file.path))}',
            command("mv", "-T", _new(file.path), file.path),
        )
    ]
    actions = list(dict.fromkeys(action for file in files for action in file.actions))
    if release and RESTART_SERVICE not in actions:
        actions.append(RESTART_SERVICE)
    return script(
        "cd /",  # cp --parents looks for a path's directories from here
        UNPACK,
        *(line for file in files if file.checker for line in _check(file)),
        *_save(saved, [*(file.path for file in files), *gone], switches=release is not None),
        command("mkdir", "-p", PENDING),
        *(command("touch", _mark(file.path)) for file in files),
        *moves,
        *(command("rm", "-f", path) for path in gone),
        f"{command('printf', ONE_A_LINE, *wanted)} > {command(MANAGED)}",
        *(point(CURRENT_RELEASE, RELEASES / release) if release else []),
        *_run(actions),
        command("rm", "-f", *(_mark(path) for path in [*(file.path for file in files), *gone])),
        timeout_seconds=ACTIVATE_SECONDS,
    )


def put_back(rollout: str, files: Sequence[HostFile]) -> Script:
    """Undo `activate`, as far as it came on the host; nothing happens where it never began.

    Args:
        rollout: The rollout's id.
        files: All that it may have placed; what they ask for is done for those that it did place.
    """
    saved = ROLLOUTS / rollout
    by_action: dict[tuple[str, ...], list[PurePosixPath]] = {}
    for file in files:
        for action in file.actions:
            by_action.setdefault(action, []).append(file.path)
    return script(
        f"[ -e {command(saved / 'complete')} ] || exit 0",
        f"saved={command(saved)}",
        'while read -r path; do if [ -e "$saved/files$path" ]; then',
        '  { cp -p "$saved/files$path" "$path.tegak-new" && mv -T "$path.tegak-new" "$path"; } || exit 1',
        'else rm -f "$path"; fi; done < "$saved/paths"',
        f'cp -p "$saved/managed" {command(MANAGED)}',
        *_restore_release(),
        *(_run_if_restored(action, paths) for action, paths in by_action.items()),
        'if [ ! -e "$saved/switched" ]; then true;'
        f' elif [ -n "$before" ]; then {"; ".join(_run([RESTART_SERVICE]))};'
        f" else {command('systemctl', 'stop', SERVICE)} 2> /dev/null || true; fi",
        f'while read -r path; do path=${{path#/}}; rm -f {command(PENDING)}/"${{path//\\//:}}"; done < "$saved/paths"',
        timeout_seconds=ACTIVATE_SECONDS,
    )


def remove_unwanted(wanted: Sequence[PurePosixPath]) -> Script:
    """Remove the files of an earlier configuration, where nobody could ask the host which it has.

    Args:
        wanted: All files that the host should have.
    """
    listed = command("printf", ONE_A_LINE, *wanted)
    return script(
        f"[ -e {command(MANAGED)} ] || exit 0",
        # grep fails where it finds nothing.
        f'{{ {listed} | grep -vxFf - {command(MANAGED)} || true; }} | while read -r path; do rm -f "$path"; done',
    )


def is_active(*units: str) -> Script:
    """Check that daemons run."""
    return script(*(f"{command('systemctl', 'is-active', unit)} > /dev/null" for unit in units))


def _save(saved: PurePosixPath, paths: Sequence[PurePosixPath], *, switches: bool) -> list[str]:
    files = saved / "files"
    listed = command("printf", ONE_A_LINE, *paths) if paths else "true"
    return [
        # Once: a rollout that is resumed must not take what it has already placed for what was there before.
        f"if [ ! -e {command(saved / 'complete')} ]; then",
        command("rm", "-rf", saved),
        command("mkdir", "-p", files),
        f"{listed} > {command(saved / 'paths')}",
        *(f"[ ! -e {command(path)} ] || cp -p --parents {command(path)} {command(files)}" for path in paths),
        f"readlink {command(CURRENT_RELEASE)} > {command(saved / 'release')} || true",
        *([command("touch", saved / "switched")] if switches else []),
        f"touch {command(MANAGED)}; cp -p {command(MANAGED)} {command(saved / 'managed')}",
        command("touch", saved / "complete"),
        "fi",
    ]


def _restore_release() -> list[str]:
    new = CURRENT_RELEASE.with_name(f"{CURRENT_RELEASE.name}.new")
    back = f'{{ ln -sfn "$before" {command(new)} && {command("mv", "-T", new, CURRENT_RELEASE)}; }} || exit 1'
    return [
        'before=$(cat "$saved/release")',
        'if [ -e "$saved/switched" ]; then',
        f'  if [ -n "$before" ]; then {back}; else {command("rm", "-f", CURRENT_RELEASE)}; fi',
        "fi",
    ]


def _run_if_restored(action: tuple[str, ...], paths: Sequence[PurePosixPath]) -> str:
    """What a file asks for is only done where the file was changed, and is there again."""
    conditions = (f'{{ grep -qxF {command(path)} "$saved/paths" && [ -e {command(path)} ]; }}' for path in paths)
    return f"if {' || '.join(conditions)}; then {command(*action)}; fi"


def _run(actions: Iterable[tuple[str, ...]]) -> list[str]:
    lines: list[str] = []
    for action in actions:
        if action == RESTART_SERVICE:
            # A release that failed to start a few times leaves a limit behind, which is not this one's.
            lines.append(f"{command('systemctl', 'reset-failed', SERVICE)} 2> /dev/null || true")
        lines.append(_or_say_why(action))
    return lines


def _or_say_why(action: tuple[str, ...]) -> str:
    """An action; of a daemon that refuses it systemctl says only that it does, and its own words are in the journal."""
    if action[0] != "systemctl" or action[1] not in STARTING:
        return command(*action)
    words = command("journalctl", "-q", "--no-pager", "-o", "cat", "-n", JOURNALS_LINES, "-u", action[-1])
    return unless(command(*action), group(to_errors(words), "exit 1"))


def _mark(path: PurePosixPath) -> PurePosixPath:
    return PENDING / str(path).lstrip("/").replace("/", ":")


def _new(path: PurePosixPath) -> PurePosixPath:
    return path.with_name(f"{path.name}.tegak-new")


def _check(file: HostFile) -> list[str]:
    refusal = f"{file.path} (of {file.source}) is refused by {file.checker[0]}:"
    return ask_checker(" ".join(_staged(word) for word in file.checker), refusal)


def _staged(word: str) -> str:
    prefix = f"{STAGED}/"
    return f'"$stage"/{command(word.removeprefix(prefix))}' if word.startswith(prefix) else command(word)
