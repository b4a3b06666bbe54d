"""Set-up of a checkout: Debian packages, the virtual environment, the operators' keys. Standard library only.

`make setup` calls it before anything else is installed; the second time it finds everything in place. `make engine` and
`make up` want more of it, and have it made beside that: the engine needs none of it to be built, and the lab's image
only the Debian packages.
"""

import concurrent.futures
import fcntl
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TextIO

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from infra.bridge.errors import OperatorError  # noqa: E402  # the checkout is on the path only from here on
from infra.bridge.files import PRIVATE, PRIVATE_DIRECTORY, UMASK, make_directory, write_whole  # noqa: E402
from infra.lab.image import image_name  # noqa: E402
from infra.lab.paths import IMAGE_CACHE  # noqa: E402
from tools.engine import build  # noqa: E402
from tools.environment import ensure_environment  # noqa: E402
from tools.progress import Board  # noqa: E402

MINIMUM_PYTHON = (3, 11)
DEBIAN_PACKAGES = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "curl": "curl",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
"""What the lab and the tasks call, and where it comes from."""

TEST_PACKAGES = {"pg_ctlcluster": "postgresql", "chromium": "chromium"}
"""What the tests call beside that."""

ALLOWED_SIGNS = "/ -_.,+@=~'()"
"""In the checkout's path, beside letters and digits of any script."""

OWN_SALT_FILTER = "filter.tegak-own-salt.clean"
SALT = "encryptionsalt:"


def check_python() -> None:
    """Refuse a Python that is too old."""
    if sys.version_info < MINIMUM_PYTHON:
        raise OperatorError(f"Python 3.11 or newer is needed, and this is {sys.version.split()[0]}")


def check_folder(project: Path) -> None:
    """Refuse a folder whose name one of the tools can't be told: a search path, a URL or a shell would misread it.

    Args:
        project: The checkout.

    Raises:
        OperatorError: The message has the signs.
    """
    refused = sorted({sign for sign in str(project) if not sign.isalnum() and sign not in ALLOWED_SIGNS})
    if refused:
        raise OperatorError(
            f"the folder {str(project)!r} has {' '.join(map(repr, refused))} in its name, which not every tool can be "
            "told; nothing was changed",
            next_command="mv it to a name of letters, digits, spaces, dots and dashes, and make setup there",
        )


def ensure_system_packages(board: Board, packages: Mapping[str, str] = DEBIAN_PACKAGES) -> None:
    """Install what is missing on a Debian machine, if we may; elsewhere the lab says what it lacks.

    Args:
        board: Where it is shown.
        packages: Where each command comes from.

    Raises:
        OperatorError: apt-get failed.
    """
    missing = {package for command, package in packages.items() if shutil.which(command) is None}
    if importlib.util.find_spec("ensurepip") is None:
        missing.add("python3-venv")
    if not missing or shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *sorted(missing)]
    next_command = f"apt-get update && apt-get install {' '.join(sorted(missing))}"
    for argv, step in ((["apt-get", "update", "--quiet"], "reading Debian's package lists"), (install, "installing")):
        label = f"set-up: {step}{' ' + ' '.join(sorted(missing)) if argv is install else ''}"
        board.run(argv, step=label, next_command=next_command, environment=environment)


def ensure_secrets(project: Path) -> None:
    """Make what the operators keep to themselves, where it is missing; what is there is never touched."""
    directory = project / ".secrets"
    make_directory(directory, PRIVATE_DIRECTORY)
    passphrase = directory / "passphrase"
    if not passphrase.exists():
        # First: an engine that finds another passphrase's salt refuses this one.
        _forget_salt(project / "stacks/Pulumi.lokal.yaml")
        write_whole(passphrase, secrets.token_urlsafe(32).encode(), PRIVATE)
    for name in ("operator", "release"):
        key = directory / name
        if not key.exists():
            half_made = directory / f"{name}.new"
            half_made.unlink(missing_ok=True)
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@tegak", "-f", str(half_made)]
            _run(argv, f"making the key '{name}'", "apt-get install openssh-client")
            half_made.with_name(f"{name}.new.pub").replace(directory / f"{name}.pub")
            half_made.replace(key)
        public = key.with_suffix(".pub")
        if not public.exists():
            public.write_text(_run(["ssh-keygen", "-y", "-f", str(key)], f"reading the key '{name}'", "make setup"))


def ensure_salt_filter(project: Path) -> None:
    """Keep the salt that the engine notes for this checkout's passphrase out of git."""
    if (project / ".git").exists():
        _run(
            ["git", "-C", str(project), "config", OWN_SALT_FILTER, f"sed '/^{SALT}/d'"],
            "configuring git for this checkout",
            "git status",
        )


def _forget_salt(settings: Path) -> None:
    """Remove the salt of a passphrase that is no more: the engine would refuse the new one."""
    lines = settings.read_text(encoding="utf-8").splitlines(keepends=True) if settings.exists() else []
    kept = [line for line in lines if not line.startswith(SALT)]
    if kept != lines:
        settings.write_text("".join(kept), encoding="utf-8")


def _run(argv: list[str], step: str, next_command: str) -> str:
    try:
        result = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise OperatorError(f"{step}: '{argv[0]}' is not installed", next_command=next_command) from error
    if result.returncode != 0:
        words = (result.stderr or result.stdout).strip().splitlines() or [f"exit code {result.returncode}"]
        raise OperatorError(f"{step} failed: {words[-1]}", next_command=next_command)
    return result.stdout


def ensure_checkout(project: Path, board: Board, *, development: bool = False) -> None:
    """Do what is missing in the checkout itself; a second set-up waits for the first one.

    Raises:
        OperatorError: Something could not be made; what is half made is made anew next time.
    """
    with (project / "tools/setup.py").open() as lock:
        board.wait(lambda: _take(lock), step="set-up: waiting for another one in this checkout")
        ensure_environment(project, board, development=development)
        ensure_secrets(project)
        ensure_salt_filter(project)


def ensure_image(board: Board) -> None:
    """Build the lab hosts' image, if we may; elsewhere the lab says what it lacks.

    Raises:
        OperatorError: It could not be built; nothing half made is taken for it.
    """
    if (IMAGE_CACHE / image_name()).exists() or shutil.which("mmdebstrap") is None or os.geteuid() != 0:
        return
    argv = [sys.executable, "-m", "infra.lab.image"]
    board.run(argv, step="lab: building the hosts' image, once", next_command="make up", cwd=PROJECT)


def set_up(wanted: Collection[str], board: Board) -> list[BaseException]:
    """Do what is missing, what needn't wait for each other side by side; return what went wrong, each once.

    Args:
        wanted: What is to be made beside the checkout: "engine", "image"; what only those need who change it,
            "development"; and what the tests need beside that, "tests".
        board: Where it is shown.

    Raises:
        KeyboardInterrupt: We were interrupted; nothing of it runs any more.
    """
    with concurrent.futures.ThreadPoolExecutor() as pool:
        try:
            needed = DEBIAN_PACKAGES | (TEST_PACKAGES if "tests" in wanted else {})
            packages = pool.submit(ensure_system_packages, board, needed)
            development = bool({"development", "tests"}.intersection(wanted))
            checkout = pool.submit(_after(packages, lambda: ensure_checkout(PROJECT, board, development=development)))
            under_way = [packages, checkout]
            if "image" in wanted:
                under_way.append(pool.submit(_after(packages, lambda: ensure_image(board))))
            if "engine" in wanted:
                under_way.append(pool.submit(build.make, board, checkout.result))
            concurrent.futures.wait(under_way)
        except KeyboardInterrupt:
            board.interrupt()
            raise
    errors = [error for future in under_way if (error := future.exception())]
    return list({id(error): error for error in errors}.values())


def _after(earlier: concurrent.futures.Future[None], work: Callable[[], None]) -> Callable[[], None]:
    def do() -> None:
        earlier.result()
        work()

    return do


def _take(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(wanted: Collection[str]) -> int:
    """Do what is missing; return the exit code."""
    os.umask(UMASK)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)  # what runs beside is ended then too
    again = "make up" if "image" in wanted else "make engine" if "engine" in wanted else "make setup"
    try:
        check_python()
        check_folder(PROJECT)
        errors = set_up(wanted, Board())
    except KeyboardInterrupt:
        print(f"error: set-up was interrupted; what is done so far is kept\nnext: {again}", file=sys.stderr)
        return 130
    except OperatorError as error:
        errors = [error]
    for error in errors:
        if not isinstance(error, OperatorError | OSError):
            raise error
        known = error if isinstance(error, OperatorError) else OperatorError(f"set-up: {error}", next_command=again)
        print(known.report(), file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
