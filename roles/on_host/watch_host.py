"""Runs on an app host, with its own Python and nothing else: measures the host by itself.

For a location whose load balancer doesn't tell its hosts apart. Standard input and output are described at
`roles.rollout.gate`. Requests are nginx's own count, errors the answers of status 5xx that it wrote down; latencies are
those of requests that this program makes.
"""

import contextlib
import json
import re
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # on the host it stands before this program (see `roles.scripts.gate`)
    from roles.on_host.asking import probe  # noqa: TC004

TIMEOUT_SECONDS = 5
TOTALS = re.compile(r"^ \d+ \d+ (\d+)", re.MULTILINE)
"""The line of nginx's stub_status with the connections accepted and handled, and the requests."""


def requests_so_far(port: int) -> "int | None":
    """How many requests nginx has had since it started; None where it doesn't say."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=TIMEOUT_SECONDS) as response:
            found = TOTALS.search(response.read().decode())
    except OSError:
        return None
    return int(found.group(1)) if found else None


def errors_between(log: Path, start: float, end: float) -> int:
    """How many failed answers nginx wrote down in a time."""
    count = 0
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []:
        with contextlib.suppress(ValueError, IndexError):
            count += start <= float(line.split()[0]) < end
    return count


def main() -> None:
    """Watch, ask, then print what was seen."""
    asked = json.load(sys.stdin)
    before, started = requests_so_far(asked["status_port"]), time.time()
    time.sleep(asked["soak_seconds"])
    after, ended = requests_so_far(asked["status_port"]), time.time()
    # Fewer than before: nginx was started anew meanwhile, and has counted from nothing.
    real = max(after - before, 0) if before is not None and after is not None else 0
    failed = errors_between(Path(asked["failed_log"]), started, ended)
    seen = probe("127.0.0.1", asked["port"], asked["requests"], asked["pages"])
    document = {
        "real": real,
        "requests": real + seen["requests"],
        "errors": failed + seen["errors"],
        "milliseconds": seen["milliseconds"],
    }
    sys.stdout.write(json.dumps(document))


main()
