"""Make `pulumi` work in the virtual environment: the one on PATH, a downloaded one, or one built from its Go module.

Run by `make engine`. The choice between them is `ensure`, and nowhere else. What was downloaded or built is kept in the
user's cache folder, outside the checkout, and never made twice; .venv/bin gets a small wrapper around it.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.files import PRIVATE_DIRECTORY, UMASK, make_directory, write_whole
from tools import progress

VERSION = "3.259.0"
PROJECT = Path(__file__).resolve().parents[2]
GO_MODULE = PROJECT / "tools/engine"
PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
RUNNER = "python/cmd/pulumi-language-python-exec"
DYNAMIC_PROVIDER = "python/dist/pulumi-resource-pulumi-python"
"""What an official engine brings along for Python, by its place in the SDK's Go module."""

OFFICIAL = "bin/pulumi"
DOWNLOADS = ("get.pulumi.com", 443)
DOWNLOAD_CONNECT_SECONDS = 5
INSTALL = "import sys; from pulumi.automation import PulumiCommand; PulumiCommand.install(root=sys.argv[1])"

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


def ensure(path: str, cache: Path) -> Path:
    """The engine to use: one that is there, else the official one, else one built with Go.

    Args:
        path: The directories to look in, as in $PATH, without this checkout's own.
        cache: Where what is downloaded or built is kept.

    Raises:
        OperatorError: Neither is possible here.
    """
    return find(path, cache) or download(cache) or build(cache)


def find(path: str, cache: Path) -> Path | None:
    """An official engine on PATH with its language host, or one that was downloaded or built before."""
    official = shutil.which("pulumi", path=path)
    if official and shutil.which("pulumi-language-python", path=path):
        printed = subprocess.run([official, "version"], capture_output=True, text=True, check=False).stdout.strip()
        if printed.removeprefix("v") == VERSION:
            return Path(official)
    kept = (cache / OFFICIAL, cache / "pulumi")
    return next((engine for engine in kept if engine.exists()), None)


def download(cache: Path) -> Path | None:
    """Install the official engine into the cache; None where downloads are closed."""
    try:
        socket.create_connection(DOWNLOADS, timeout=DOWNLOAD_CONNECT_SECONDS).close()
        progress.run(
            [sys.executable, "-c", INSTALL, str(cache)],
            step=f"engine: downloading the official pulumi {VERSION}",
            next_command="make engine",
        )
    except (OSError, OperatorError):
        return None
    return cache / OFFICIAL


def build(cache: Path) -> Path:
    """Build the engine into the cache (about 6 minutes on 2 cores).

    Raises:
        OperatorError: Go is missing, or the build failed; nothing half made is kept.
    """
    if shutil.which("go") is None:
        raise OperatorError(
            f"neither pulumi {VERSION} nor Go to build it with is on PATH",
            next_command="install the Pulumi CLI from pulumi.com, or Go 1.24, and type make engine again",
        )
    cache.mkdir(parents=True, exist_ok=True)
    half_made = cache / "pulumi.half-made"
    flags = f"-s -w -X {SDK}/go/common/version.Version={VERSION}"
    progress.run(
        ["go", "build", "-v", "-trimpath", "-ldflags", flags, "-o", str(half_made), PACKAGE],
        step="engine: building pulumi from its Go module, once (about 6 minutes, 1,900 packages)",
        next_command="make engine",
        cwd=GO_MODULE,
        counted="packages",
    )
    modules = json.loads(_go(["list", "-m", "-json", SDK]))
    for file in (RUNNER, DYNAMIC_PROVIDER):
        copy = shutil.copyfile(Path(modules["Dir"]) / file, cache / Path(file).name)
        copy.chmod(0o755)
    half_made.replace(cache / "pulumi")
    return cache / "pulumi"


def install_wrappers(engine: Path, cache: Path) -> None:
    """Put `pulumi` into .venv/bin, and beside a built engine what it needs."""
    values = {"project": PROJECT, "engine": engine, "runner": cache / Path(RUNNER).name}
    scripts = {PROJECT / ".venv/bin/pulumi": WRAPPER}
    if engine.parent == cache:
        scripts[cache / "pulumi-language-python"] = LANGUAGE_HOST
    for target, text in scripts.items():
        wanted = text.format(**values)
        if target.exists() and target.read_bytes() == os.fsencode(wanted):
            continue
        write_whole(target, os.fsencode(wanted), 0o755)
    make_directory(PROJECT / ".pulumi-state", PRIVATE_DIRECTORY)


def _go(arguments: list[str]) -> str:
    result = subprocess.run(["go", *arguments], cwd=GO_MODULE, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        words = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        raise OperatorError(f"building the engine failed: {words[-1]}", next_command="make engine")
    return result.stdout


def main() -> int:
    """Make the engine available; return the exit code."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"tegak/engine-{VERSION}"
    os.umask(UMASK)
    own = str(PROJECT / ".venv/bin")
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != own)
    try:
        engine = ensure(path, cache)
        install_wrappers(engine, cache)
    except OperatorError as error:
        sys.stderr.write(error.report() + "\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(
            "error: the engine's build was interrupted; what Go compiled so far is kept\nnext: make engine\n"
        )
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
