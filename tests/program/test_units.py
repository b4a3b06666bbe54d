"""What systemd says of the unit that docs/publishing.md shows."""

import os
import re
import subprocess
from pathlib import Path

from tests.stands.lab import PROJECT


def test_systemd_takes_the_unit_that_publishes_on_the_clock(tmp_path: Path) -> None:
    shown = re.search(r"```ini\n(.*?)```", (PROJECT / "docs/publishing.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    unit = tmp_path / "tegak-publish.service"
    unit.write_text(shown[1])
    fab = tmp_path / "tegak/.venv/bin/fab"
    fab.parent.mkdir(parents=True)
    fab.write_text("#!/bin/sh\n")
    fab.chmod(0o755)
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    argv = ["systemd-analyze", "verify", "--user", str(unit)]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
