"""Set-up of a checkout: Debian packages, the virtual environment, the operators' keys. Standard library only.

`make setup` calls it before anything else is installed; the second time it finds everything in place.
"""

import fcntl
import hashlib
import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from infra.bridge.errors import OperatorError  # noqa: E402  # the checkout is on the path only from here on
from infra.bridge.files import PRIVATE, PRIVATE_DIRECTORY, UMASK, make_directory, write_whole  # noqa: E402
from tools import progress  # noqa: E402

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

ALLOWED_SIGNS = "/ -_.,+@=~'()"
"""In the checkout's path, beside letters and digits of any script."""

OWN_SALT_FILTER = "filter.tegak-own-salt.clean"
SALT = "encryptionsalt:"
STAMP = "tegak-stamp"
"""Written last into the virtual environment: without it, or with another lock's hash, it is made anew."""


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


def ensure_system_packages() -> None:
    """Install what is missing on a Debian machine, if we may; elsewhere the lab says what it lacks.

    Raises:
        OperatorError: apt-get failed.
    """
    missing = {package for command, package in DEBIAN_PACKAGES.items() if shutil.which(command) is None}
    if importlib.util.find_spec("ensurepip") is None:
        missing.add("python3-venv")
    if not missing or shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *sorted(missing)]
    next_command = f"apt-get update && apt-get install {' '.join(sorted(missing))}"
    for argv, step in ((["apt-get", "update", "--quiet"], "reading Debian's package lists"), (install, "installing")):
        label = f"set-up: {step}{' ' + ' '.join(sorted(missing)) if argv is install else ''}"
        progress.run(argv, step=label, next_command=next_command, environment=environment)


def ensure_environment(project: Path) -> bool:
    """Make `.venv` from requirements.lock; return whether there was anything to do.

    Raises:
        OperatorError: The packages could not be installed; the half-made environment is made anew next time.
    """
    environment, lock = project / ".venv", project / "requirements.lock"
    wanted = f"{sys.version} {project} {hashlib.sha256(lock.read_bytes()).hexdigest()}"
    stamp = environment / STAMP
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    shutil.rmtree(environment, ignore_errors=True)
    _run(
        [sys.executable, "-m", "venv", str(environment)],
        "making the virtual environment",
        "apt-get install python3-venv",
    )
    pip = [str(environment / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--require-hashes", "-r", str(lock)]
    step = "set-up: installing the locked Python packages from the registry"
    progress.run(pip, step=step, next_command="make setup")
    site = next((environment / "lib").glob("python3*/site-packages"))
    # From where it is: the file is read in the locale's encoding, which need not know the letters of the folder's name.
    (site / "tegak.pth").write_text(f"{os.path.relpath(project, site)}\n", encoding="ascii")
    stamp.write_text(wanted, encoding="utf-8")
    return True


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


def main() -> int:
    """Do what is missing; return the exit code."""
    os.umask(UMASK)
    try:
        check_python()
        check_folder(PROJECT)
        with (PROJECT / "tools/setup.py").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a second set-up waits for the first one
            ensure_system_packages()
            ensure_environment(PROJECT)
            ensure_secrets(PROJECT)
            ensure_salt_filter(PROJECT)
    except OperatorError as error:
        print(error.report(), file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error: set-up: {error}\nnext: make setup", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: set-up was interrupted\nnext: make setup", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
