"""What the code must look like: `python -m tools.lint` checks all of it, whatever of it fails."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
CHECKS = {
    "format": ("ruff", "format", "--check", "--quiet"),
    "rules": ("ruff", "check", "--quiet"),
    "imports": ("lint-imports", "--no-cache"),
    "types": ("pyright",),
}
"""Commands of the virtual environment; what may import what is said in .importlinter."""


def check(name: str) -> "subprocess.CompletedProcess[str]":
    """Run a check over the whole checkout."""
    command, *options = CHECKS[name]
    argv = [str(Path(sys.executable).with_name(command)), *options]
    return subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=False)


def main() -> int:
    """Run all checks and show what they find; return the exit code."""
    failed: list[str] = []
    for name in CHECKS:
        done = check(name)
        if done.returncode != 0:
            failed.append(name)
            print(done.stdout + done.stderr, end="", flush=True)
    if failed:
        print(f"error: lint: {', '.join(failed)}\nnext: make format, then mend what it can't", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
