"""ssh keys and agents of the tests' own."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def make_key(file: Path, passphrase: str = "") -> str:
    """Make a key; type and body of its public half.

    Args:
        file: The private half; the public one is beside it.
        passphrase: What locks it, if anything.
    """
    subprocess.check_call(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(file)])
    return " ".join(file.with_name(f"{file.name}.pub").read_text(encoding="ascii").split()[:2])


@contextmanager
def ssh_agent(socket: Path) -> Generator[dict[str, str], None, None]:
    """An agent that holds nothing yet; the variable that leads to it.

    Args:
        socket: Where it listens.
    """
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        agent.stdout.readline()  # it listens
        try:
            yield {"SSH_AUTH_SOCK": str(socket)}
        finally:
            agent.terminate()
