"""A release by pyinfra, as a user of it would write it; `tools.bench.peers` gives it the texts."""

from importlib import import_module
from typing import Any

# pyinfra is in the benchmark's own virtual environment, where no checker looks.
host: Any = import_module("pyinfra").host
files: Any = import_module("pyinfra.operations.files")
server: Any = import_module("pyinfra.operations.server")
systemd: Any = import_module("pyinfra.operations.systemd")

incoming = host.data.incoming
for kind in ("archive", "signature"):
    source = host.data.get(kind)
    files.put(name=f"Send the {kind}", src=source, dest=f"{incoming}/release.{kind}", mode="600", _sudo=True)
for step in ("check", "unpack", "switch"):
    server.shell(name=step, commands=[host.data.get(step)], _sudo=True)
systemd.service(name="Restart", service=host.data.service, restarted=True, _sudo=True)
server.shell(name="wait", commands=[host.data.wait], _sudo=True)
