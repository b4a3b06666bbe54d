"""Stands in for `aws ssm start-session … AWS-StartSSHSession`: its standard input and output are a connection.

The first argument is a JSON file: where each instance's ssh is. An instance that isn't in it is not connected.
"""

import json
import os
import socket
import sys
import threading
from pathlib import Path

NOT_CONNECTED = "An error occurred (TargetNotConnected) when calling the StartSession operation: {} is not connected."


def main() -> int:
    """Carry one connection."""
    places: dict[str, list[str | int]] = json.loads(Path(sys.argv[1]).read_bytes())
    words = sys.argv[2:]
    if words[:2] != ["ssm", "start-session"] or "AWS-StartSSHSession" not in words:
        sys.stderr.write(f"aws: error: {words}\n")
        return 252
    instance = words[words.index("--target") + 1]
    if instance not in places:
        sys.stderr.write(f"\n{NOT_CONNECTED.format(instance)}\n")
        return 254
    address, port = places[instance]
    with socket.create_connection((str(address), int(port))) as link:
        threading.Thread(target=_send, args=(link,), daemon=True).start()
        while received := link.recv(65536):
            sys.stdout.buffer.write(received)
            sys.stdout.buffer.flush()
    return 0


def _send(link: socket.socket) -> None:
    while sent := os.read(sys.stdin.fileno(), 65536):
        link.sendall(sent)
    link.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    sys.exit(main())
