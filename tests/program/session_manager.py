"""Stands in for `aws ssm start-session … AWS-StartSSHSession`: its standard input and output are a connection.

The first argument is a JSON file: a process of each instance. As Session Manager's agent does, it connects from the
host itself, on the host's loopback. An instance that isn't in the file is not connected.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

NOT_CONNECTED = "An error occurred (TargetNotConnected) when calling the StartSession operation: {} is not connected."
INSIDE = "inside"


def start_session(instances: Path, words: list[str]) -> int:
    """Go on in the instance's network."""
    processes: dict[str, int] = json.loads(instances.read_bytes())
    if words[:2] != ["ssm", "start-session"] or "AWS-StartSSHSession" not in words:
        sys.stderr.write(f"aws: error: {words}\n")
        return 252
    instance = words[words.index("--target") + 1]
    if instance not in processes:
        sys.stderr.write(f"\n{NOT_CONNECTED.format(instance)}\n")
        return 254
    argv = ["nsenter", "--net", f"--target={processes[instance]}", sys.executable, __file__, INSIDE]
    return subprocess.run(argv, check=False).returncode


def carry() -> int:
    """Carry one connection to the ssh of this network's loopback."""
    with socket.create_connection(("127.0.0.1", 22)) as link:
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
    sys.exit(carry() if sys.argv[1] == INSIDE else start_session(Path(sys.argv[1]), sys.argv[2:]))
