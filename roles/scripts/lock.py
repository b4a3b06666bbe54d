"""The lock of a stack, as each of its hosts keeps it, and the fence before every step that changes something."""

from roles.on_host import program
from roles.scripts.layout import DECISIVE, LOCK, LOCK_MUTEX, LOCK_TOKEN, LOG, OWN, RELEASES, ROLLOUTS
from roles.scripts.quoting import Script, command, refuse_unless, script

BUSY_SECONDS = 20
"""How long taking the lock waits for a step that is running on the host."""

FENCED = 75
"""The exit code of a step whose rollout no longer has the lock (EX_TEMPFAIL of sysexits.h)."""


def keep_lock() -> Script:
    """Take or renew the lock; standard input says how (see lock_keeper.py), the answer is JSON."""
    arguments = (LOCK, LOCK_TOKEN, LOCK_MUTEX, LOG, DECISIVE, BUSY_SECONDS)
    return script(
        command("mkdir", "-p", OWN),
        command("python3", "-IS", "-c", program("log", "lock_file", "lock_keeper"), *arguments),
        timeout_seconds=40,
    )


def fence(token: str) -> Script:
    """Go on only as the holder of the lock, and let nobody take it before this step has ended."""
    return script(
        f"exec 9>> {command(LOCK_MUTEX)}",
        command("flock", "-s", "-w", BUSY_SECONDS, 9),
        # The shell's own `read`: a process for each step of each host would be felt.
        f"{{ read -r held < {command(LOCK_TOKEN)}; }} 2> /dev/null || true",
        refuse_unless(
            f'[ "${{held:-}}" = {command(token)} ]',
            "the lock was taken over: this rollout no longer has it",
            FENCED,
        ),
        timeout_seconds=BUSY_SECONDS,
    )


def release_lock(token: str, first: Script | None = None) -> Script:
    """Give the lock back, if it is still ours.

    Args:
        token: Ours.
        first: What is done before, as its holder.
    """
    own = first.lines if first else ()
    return script(
        f"exec 9>> {command(LOCK_MUTEX)}",
        command("flock", "-x", "-w", BUSY_SECONDS, 9),
        f'if [ "$(cat {command(LOCK_TOKEN)} 2> /dev/null)" = {command(token)} ]; then',
        *own,
        f"{command('rm', '-f', LOCK)}; {command('rm', '-f', LOCK_TOKEN)}",
        "fi",
        timeout_seconds=40,
    )


def append_log() -> Script:
    """Add standard input's lines to the host's audit log; prints the highest order that was in it before."""
    return script(
        command("mkdir", "-p", OWN),
        command("python3", "-IS", "-c", program("log", "log_writer"), LOG, DECISIVE),
    )


def forget_rollouts(keep_releases: tuple[str, ...] | None) -> Script:
    """Remove what was kept for undoing rollouts and, on an app host, the releases beside those to keep."""
    lines = [command("rm", "-rf", ROLLOUTS)]  # one runs at a time: others are of rollouts that ended while it was away
    if keep_releases is not None:
        kept = " ".join(f"! -name {command(name)}" for name in keep_releases)
        lines.append(f"find {command(RELEASES)} -mindepth 1 -maxdepth 1 -type d {kept} -exec rm -rf {{}} +")
    return script(*lines)
