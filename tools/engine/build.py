"""Make `pulumi` work in the virtual environment: the one on PATH, a downloaded one, or one built from Go modules.

`make engine` does it, by way of tools/setup.py. The choice between them is `ensure`, and nowhere else. What was
downloaded or built is kept in the user's cache folder, outside the checkout, and never made twice; .venv/bin gets a
small wrapper around it. Python's standard library only: nothing is installed yet when the build begins.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.files import PRIVATE_DIRECTORY, make_directory, write_whole
from tools.cache import user_cache
from tools.engine import source
from tools.progress import Board

VERSION = "3.259.0"
PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
RUNNER = "python/cmd/pulumi-language-python-exec"
DYNAMIC_PROVIDER = "python/dist/pulumi-resource-pulumi-python"
"""What an official engine brings along for Python, by its place in the SDK's Go module."""

OFFICIAL = "bin/pulumi"
DOWNLOADS = ("get.pulumi.com", 443)
DOWNLOAD_CONNECT_SECONDS = 5
INSTALL = "import sys; from pulumi.automation import PulumiCommand; PulumiCommand.install(root=sys.argv[1])"

GO_FLAGS = ("-trimpath", "-gcflags=all=-dwarf=false")
LINKER_FLAGS = f"-s -w -X {SDK}/go/common/version.Version={VERSION}"
GO_ENVIRONMENT = {"CGO_ENABLED": "0", "GOGC": "400"}
"""Nothing for a debugger; no C, so that no compiler for it is needed; a compiler that tidies its memory up less often
(a tenth less to do, for 700 MB instead of 600)."""

WRAPPER = """#!/bin/sh
export TEGAK_PROJECT="{project}"
export PULUMI_SKIP_UPDATE_CHECK=true
# The program and its dynamic providers run as `python3`, whether or not the environment is active.
export PATH="$TEGAK_PROJECT/.venv/bin:$PATH"
if [ -z "$PULUMI_CONFIG_PASSPHRASE$PULUMI_CONFIG_PASSPHRASE_FILE" ]; then
    export PULUMI_CONFIG_PASSPHRASE_FILE="$TEGAK_PROJECT/.secrets/passphrase"
fi
# A run that was killed leaves its lock: one of this machine whose process is gone holds nothing.
state="${{PULUMI_BACKEND_URL:-file://$TEGAK_PROJECT/.pulumi-state}}"
for lock in "${{state#file://}}"/.pulumi/locks/*/*/*/*.json; do
    [ -e "$lock" ] && grep -q "\\"hostname\\":\\"$(hostname)\\"" "$lock" || continue
    kill -0 "$(sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p' "$lock")" 2>/dev/null || rm -f "$lock"
done
exec "{engine}" "$@"
"""
# Beside the built engine, where it looks for what an official one brings along.
LANGUAGE_HOST = """#!/bin/sh
export TEGAK_LANGUAGE_EXEC="{runner}"
exec "$TEGAK_PROJECT/.venv/bin/python" "$TEGAK_PROJECT/tools/engine/language_host.py" "$@"
"""


def cache_folder() -> Path:
    """Where this user's engines of this version are kept."""
    return user_cache() / f"engine-{VERSION}"


def ensure(path: str, cache: Path, board: Board, environment: Callable[[], object]) -> Path:
    """The engine to use: one that is there, else the official one, else one built with Go.

    Args:
        path: The directories to look in, as in $PATH, without this checkout's own.
        cache: Where what is downloaded or built is kept.
        board: Where it is shown.
        environment: Waits until the virtual environment is there: the SDK in it knows how to download its engine.

    Raises:
        OperatorError: Neither is possible here.
    """
    return find(path, cache) or download(cache, board, environment) or build(cache, board)


def find(path: str, cache: Path) -> Path | None:
    """An official engine on PATH with its language host, or one that was downloaded or built before."""
    official = shutil.which("pulumi", path=path)
    if official and shutil.which("pulumi-language-python", path=path):
        printed = subprocess.run([official, "version"], capture_output=True, text=True, check=False).stdout.strip()
        if printed.removeprefix("v") == VERSION:
            return Path(official)
    kept = (cache / OFFICIAL, built_engine(cache))
    return next((engine for engine in kept if engine.exists()), None)


def built_engine(cache: Path) -> Path:
    """Where a built engine is kept: elsewhere, as soon as another one would be built."""
    return cache / f"built-{source.digest(*GO_FLAGS, LINKER_FLAGS, *GO_ENVIRONMENT)}" / "pulumi"


def download(cache: Path, board: Board, environment: Callable[[], object]) -> Path | None:
    """Install the official engine into the cache; None where downloads are closed."""
    try:
        socket.create_connection(DOWNLOADS, timeout=DOWNLOAD_CONNECT_SECONDS).close()
    except OSError:
        return None
    environment()
    try:
        board.run(
            [str(PROJECT / ".venv/bin/python"), "-c", INSTALL, str(cache)],
            step=f"engine: downloading the official pulumi {VERSION}",
            next_command="make engine",
        )
    except OperatorError:
        return None
    return cache / OFFICIAL


def build(cache: Path, board: Board) -> Path:
    """Build the engine into the cache (about 2 minutes on 2 cores).

    Raises:
        OperatorError: Go is missing, or the build failed; nothing half made is kept.
    """
    if shutil.which("go") is None:
        raise OperatorError(
            f"neither pulumi {VERSION} nor Go to build it with is on PATH",
            next_command="install the Pulumi CLI from pulumi.com, or Go 1.24, and type make engine again",
        )
    cache.mkdir(parents=True, exist_ok=True)
    engine = built_engine(cache)
    with tempfile.TemporaryDirectory(prefix="half-made-", dir=cache) as directory:
        tree, made = Path(directory) / "source", Path(directory) / "made"
        board.run(
            ["go", "mod", "download", *source.modules_in_part(_go)],
            step="engine: fetching pulumi's own Go modules",
            next_command="make engine",
            cwd=source.GO_MODULE,
        )
        source.assemble(tree, _go)
        board.run(
            ["go", "build", "-v", *GO_FLAGS, "-ldflags", LINKER_FLAGS, "-o", str(made / engine.name), PACKAGE],
            step="engine: building pulumi, once (2 minutes, 1,040 packages)",
            next_command="make engine",
            cwd=tree,
            environment={**os.environ, **GO_ENVIRONMENT},
            counted="packages",
            remarks="go: ",  # what it downloads
        )
        sdk = Path(_go(["list", "-m", "-f", "{{.Dir}}", SDK]).strip())
        for file in (RUNNER, DYNAMIC_PROVIDER):
            copy = shutil.copyfile(sdk / file, made / Path(file).name)
            copy.chmod(0o755)
        if not engine.exists():  # another checkout's build may have been the first
            made.replace(engine.parent)
    return engine


def install_wrappers(engine: Path, cache: Path) -> None:
    """Put `pulumi` into .venv/bin, and beside a built engine what it needs."""
    values = {"project": PROJECT, "engine": engine, "runner": engine.with_name(Path(RUNNER).name)}
    scripts = {PROJECT / ".venv/bin/pulumi": WRAPPER}
    if engine == built_engine(cache):
        scripts[engine.with_name("pulumi-language-python")] = LANGUAGE_HOST
    for target, text in scripts.items():
        wanted = text.format(**values)
        if target.exists() and target.read_bytes() == os.fsencode(wanted):
            continue
        write_whole(target, os.fsencode(wanted), 0o755)
    make_directory(PROJECT / ".pulumi-state", PRIVATE_DIRECTORY)


def make(board: Board, environment: Callable[[], object]) -> None:
    """Make the engine available in this checkout.

    Args:
        board: Where it is shown.
        environment: Waits until the virtual environment is there.

    Raises:
        OperatorError: There is none, and none can be made here.
    """
    cache = cache_folder()
    own = str(PROJECT / ".venv/bin")
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != own)
    engine = ensure(path, cache, board, environment)
    environment()
    install_wrappers(engine, cache)


def _go(arguments: list[str]) -> str:
    result = subprocess.run(["go", *arguments], cwd=source.GO_MODULE, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        words = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        raise OperatorError(f"building the engine failed: {words[-1]}", next_command="make engine")
    return result.stdout
