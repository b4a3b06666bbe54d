"""Public ssh host keys, as a known_hosts line has them."""

import base64
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

SSH_PORT = 22


def read_host_key(text: str) -> str:
    """A public key without its comment: its kind and its body.

    Raises:
        ValueError: It is none.
    """
    try:
        key = " ".join(text.split()[:2])
        load_ssh_public_key(key.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = ""
    if not key or "\n" in text:
        raise ValueError(f"{text[:40]!r} is no public ssh key (ssh-keyscan ADDRESS prints them)")
    return key


def fingerprint(key: str) -> str:
    """A key's fingerprint, as ssh prints it."""
    digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def known_name(address: str, port: int) -> str:
    """The first field of a known_hosts line."""
    return address if port == SSH_PORT else f"[{address}]:{port}"
