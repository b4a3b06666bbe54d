"""Make `pulumi` work in the virtual environment: the one found on PATH, or one built from the Go module mirror.

Run by `make engine`. The choice between the two is `choose`, and nowhere else. A built engine is kept in the user's
cache folder, outside the checkout, and never built twice; .venv/bin gets small wrappers around it.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from infra.errors import OperatorError

VERSION = "3.259.0"
PROJECT = Path(__file__).resolve().parents[2]
GO_MODULE = PROJECT / "tools/engine"
PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
RUNNER = "pulumi-language-python-exec"

ENVIRONMENT = """#!/bin/sh
export PULUMI_SKIP_UPDATE_CHECK=true
if [ -z "$PULUMI_CONFIG_PASSPHRASE$PULUMI_CONFIG_PASSPHRASE_FILE" ]; then
    export PULUMI_CONFIG_PASSPHRASE_FILE="{project}/.secrets/passphrase"
fi
export PATH="{project}/.venv/bin:$PATH"
exec "{engine}" "$@"
"""
LANGUAGE_HOST = """#!/bin/sh
export TEGAK_LANGUAGE_EXEC="{runner}"
exec "{project}/.venv/bin/python" "{project}/tools/engine/language_host.py" "$@"
"""
# The published script looks for the virtual environment under `main: infra/`; there is only one, and this is it.
DYNAMIC_PROVIDER = """#!/bin/sh
exec "{project}/.venv/bin/python" -u -m pulumi.dynamic "$@"
"""


def choose(path: str, cache: Path) -> Path | None:
    """The engine to use, if one is there: an official one on PATH with its language host, or one built before.

    Args:
        path: The directories to look in, as in $PATH, without this checkout's own.
        cache: Where a built engine is kept.
    """
    official = shutil.which("pulumi", path=path)
    if official and shutil.which("pulumi-language-python", path=path):
        printed = subprocess.run([official, "version"], capture_output=True, text=True, check=False).stdout.strip()
        if printed.removeprefix("v") == VERSION:
            return Path(official)
    built = cache / "pulumi"
    return built if built.exists() else None


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
    sys.stdout.write("engine: building pulumi from its Go module (about 6 minutes, once)\n")
    sys.stdout.flush()
    _go(["build", "-trimpath", "-ldflags", flags, "-o", str(half_made), PACKAGE])
    modules = json.loads(_go(["list", "-m", "-json", SDK]))
    runner = cache / RUNNER
    shutil.copyfile(Path(modules["Dir"]) / "python/cmd" / RUNNER, runner)
    half_made.replace(cache / "pulumi")
    return cache / "pulumi"


def install_wrappers(engine: Path, cache: Path) -> None:
    """Put `pulumi`, and for a built engine what it needs beside it, into .venv/bin."""
    scripts = {"pulumi": ENVIRONMENT}
    if engine.parent == cache:
        scripts |= {"pulumi-language-python": LANGUAGE_HOST, "pulumi-resource-pulumi-python": DYNAMIC_PROVIDER}
    for name, text in scripts.items():
        target = PROJECT / ".venv/bin" / name
        new = target.with_name(f"{name}.new")
        new.write_text(text.format(project=PROJECT, engine=engine, runner=cache / RUNNER), encoding="utf-8")
        new.chmod(0o755)
        new.replace(target)
    (PROJECT / ".pulumi-state").mkdir(exist_ok=True)


def _go(arguments: list[str]) -> str:
    result = subprocess.run(["go", *arguments], cwd=GO_MODULE, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        words = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        raise OperatorError(f"building the engine failed: {words[-1]}", next_command="make engine")
    return result.stdout


def main() -> int:
    """Make the engine available; return the exit code."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"tegak/engine-{VERSION}"
    own = str(PROJECT / ".venv/bin")
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != own)
    try:
        engine = choose(path, cache) or build(cache)
        install_wrappers(engine, cache)
    except OperatorError as error:
        sys.stderr.write(error.report() + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
