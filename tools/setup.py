"""Set-up of a checkout: the virtual environment and the operators' keys. Python's standard library only.

`make setup` calls it before anything else is installed; the second time it finds everything in place.
"""

import hashlib
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from infra.errors import OperatorError  # noqa: E402  # the checkout is on the path only from here on

MINIMUM_PYTHON = (3, 11)
STAMP = "tegak-stamp"
"""Written last into the virtual environment: without it, or with another lock's hash, it is made anew."""


def check_python() -> None:
    """Refuse a Python that is too old."""
    if sys.version_info < MINIMUM_PYTHON:
        raise OperatorError(f"Python 3.11 or newer is needed, and this is {sys.version.split()[0]}")


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
    print("set-up: virtual environment (about a minute)", flush=True)
    shutil.rmtree(environment, ignore_errors=True)
    _run(
        [sys.executable, "-m", "venv", str(environment)],
        "making the virtual environment",
        "apt-get install python3-venv",
    )
    pip = [str(environment / "bin/python"), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)]
    _run(pip, "installing the locked packages (is the package registry reachable?)", "make setup")
    site = next((environment / "lib").glob("python3*/site-packages"))
    (site / "tegak.pth").write_text(f"{project}\n", encoding="utf-8")
    stamp.write_text(wanted, encoding="utf-8")
    return True


def ensure_secrets(project: Path) -> None:
    """Make what the operators keep to themselves, where it is missing; what is there is never touched."""
    directory = project / ".secrets"
    directory.mkdir(mode=0o700, exist_ok=True)
    passphrase = directory / "passphrase"
    if not passphrase.exists():
        new = directory / "passphrase.new"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            handle.write(secrets.token_urlsafe(32))
        new.replace(passphrase)
    for name in ("operator", "release"):
        key = directory / name
        if not key.exists():
            half_made = directory / f"{name}.new"
            half_made.unlink(missing_ok=True)
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@tegak", "-f", str(half_made)]
            _run(argv, f"making the key '{name}'", "apt-get install openssh-client")
            half_made.with_name(f"{name}.new.pub").replace(directory / f"{name}.pub")
            half_made.replace(key)


def _run(argv: list[str], step: str, next_command: str) -> None:
    try:
        result = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise OperatorError(f"{step}: '{argv[0]}' is not installed", next_command=next_command) from error
    if result.returncode != 0:
        words = (result.stderr or result.stdout).strip().splitlines() or [f"exit code {result.returncode}"]
        raise OperatorError(f"{step} failed: {words[-1]}", next_command=next_command)


def main() -> int:
    """Do what is missing; return the exit code."""
    try:
        check_python()
        ensure_environment(PROJECT)
        ensure_secrets(PROJECT)
    except OperatorError as error:
        print(error.report(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("error: set-up was interrupted\nnext: make setup", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
