"""The virtual environment of a checkout, made from the locks. Standard library only.

uv installs in two seconds what takes pip thirty; it is fetched once, with pip, and kept beside the user's other caches.
Where it can't be had, or fails, pip installs: both take what the locks name, by its hash. The choice is `_install`.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from infra.bridge.errors import OperatorError
from tools.cache import user_cache
from tools.progress import Board

PROJECT = Path(__file__).resolve().parent.parent
UV_LOCK = PROJECT / "tools/uv.lock"

KEEP_BYTE_CODE = "import sys; sys.dont_write_bytecode = False"
"""Read at each start: many an image of a container turns it off for all, and commands take twice as long then."""

STAMP = "tegak-stamp"
"""Written last into the virtual environment: without it, or with another lock's hash, it is made anew."""

AS_PIP = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX", "PIP_CERT": "SSL_CERT_FILE"}
"""Where pip was told to look, uv looks too. What pip was told in a file, uv does not know: then pip installs."""


def ensure_environment(project: Path, board: Board, *, development: bool = False) -> bool:
    """Make `.venv` from the locks; return whether there was anything to do.

    Args:
        project: The checkout.
        board: Where it is shown.
        development: Whether what only tests, lint and benchmarks need is to be in it: most of the bytes are theirs.

    Raises:
        OperatorError: The packages could not be installed; the half-made environment is made anew next time.
    """
    environment, lock, more = (project / name for name in (".venv", "requirements.lock", "requirements-dev.lock"))
    wanted = f"{sys.version} {project} {KEEP_BYTE_CODE} {_digest(lock)}"
    stamp, of_development = environment / STAMP, environment / f"{STAMP}-dev"
    is_made = _says(stamp, wanted)
    if not is_made:
        _make(project, environment, lock, board)
        stamp.write_text(wanted, encoding="utf-8")
    if not development or _says(of_development, _digest(more)):
        return not is_made
    _install(environment, more, board)
    of_development.write_text(_digest(more), encoding="utf-8")
    return True


def ensure_uv(board: Board) -> Path | None:
    """The uv that the lock names; None where it can't be had, which is no error: pip does the same, slowly."""
    kept = user_cache() / f"uv-{_digest(UV_LOCK)[:12]}"
    if kept.exists():
        return kept
    with tempfile.TemporaryDirectory() as text:
        environment = Path(text) / "venv"
        step, again = "set-up: fetching uv, once", "make setup"
        try:
            board.run([sys.executable, "-m", "venv", str(environment)], step=step, next_command=again)
            board.run(_pip(environment, UV_LOCK), step=step, next_command=again)
            kept.parent.mkdir(parents=True, exist_ok=True)
            half_made = kept.with_name(f"{kept.name}.{os.getpid()}")
            shutil.copy(environment / "bin/uv", half_made)
            half_made.replace(kept)
        except (OperatorError, OSError):
            return None
    return kept


def _make(project: Path, environment: Path, lock: Path, board: Board) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    board.run(
        [sys.executable, "-m", "venv", "--without-pip", str(environment)],
        step="set-up: making the virtual environment",
        next_command="apt-get install python3-venv",
    )
    _install(environment, lock, board)
    site = next((environment / "lib").glob("python3*/site-packages"))
    # From where it is: the file is read in the locale's encoding, which need not know the letters of the folder's name.
    (site / "tegak.pth").write_text(f"{os.path.relpath(project, site)}\n{KEEP_BYTE_CODE}\n", encoding="ascii")


def _install(environment: Path, lock: Path, board: Board) -> None:
    step, again = f"set-up: installing the Python packages of {lock.name}", "make setup"
    uv = ensure_uv(board)
    if uv is not None:
        argv = [str(uv), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(lock)]
        argv += ["--python", str(environment / "bin/python")]
        told = {name: os.environ[of_pip] for of_pip, name in AS_PIP.items() if of_pip in os.environ}
        try:
            board.run(argv, step=step, next_command=again, environment={**told, **os.environ})
        except (OperatorError, OSError):
            pass  # pip says why, if it is the packages
        else:
            return
    if not (environment / "bin/pip").exists():
        bring = [str(environment / "bin/python"), "-m", "ensurepip", "--default-pip"]
        board.run(bring, step="set-up: bringing pip", next_command="apt-get install python3-venv")
    board.run(_pip(environment, lock), step=step, next_command=again)


def _pip(environment: Path, lock: Path) -> list[str]:
    pip = [str(environment / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # The lock is complete, so nothing has to be resolved; most modules are never imported, so Python compiles at need.
    return [*pip, "--no-deps", "--no-compile", "--require-hashes", "-r", str(lock)]


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _says(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text(encoding="utf-8") == wanted
