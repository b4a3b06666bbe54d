"""Signing what is sent to hosts, and reading what was signed."""

import hashlib
import subprocess
import tempfile
from pathlib import Path

from infra.errors import OperatorError
from roles.scripts.artefacts import Artefact
from roles.scripts.layout import SIGNER


def sign(path: Path, key: Path, namespace: str) -> None:
    """Write a file's sha256 and ssh signature beside it.

    Raises:
        OperatorError: The key is missing or ssh-keygen failed.
    """
    if not key.exists():
        raise OperatorError(f"the key {key.name} that signs is missing", next_command="make setup")
    signature = path.with_name(f"{path.name}.sig")
    signature.unlink(missing_ok=True)  # ssh-keygen would ask whether to overwrite it
    argv = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace, str(path)]
    result = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        words = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise OperatorError(f"{path.name} could not be signed: {words}", next_command="make setup")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    write_whole(path.with_name(f"{path.name}.sha256"), f"{digest}  {path.name}\n".encode())


def read_artefact(name: str, path: Path, namespace: str, *, next_command: str) -> Artefact:
    """Read what a host needs to know of a signed file.

    Raises:
        OperatorError: The file, its sha256 or its signature is missing.
    """
    try:
        sha256 = path.with_name(f"{path.name}.sha256").read_text(encoding="ascii").split()[0]
        signature = path.with_name(f"{path.name}.sig").read_text(encoding="ascii")
        return Artefact(name, path.stat().st_size, sha256, signature, namespace)
    except (OSError, IndexError) as error:
        raise OperatorError(f"{path.name} or what belongs to it is missing", next_command=next_command) from error


def check_signature(artefact: Artefact, path: Path, signers: str) -> None:
    """Check a file's sha256 and signature, as every host does again.

    Args:
        artefact: What was signed.
        path: The file.
        signers: Who may sign, a line of an allowed_signers file.

    Raises:
        OperatorError: It was changed, or nobody who may signed it.
    """
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != artefact.sha256:
            raise OperatorError(f"{path.name} has another sha256 than it was built with", next_command="fab build")
    with tempfile.TemporaryDirectory() as directory:
        allowed, signature = Path(directory) / "signers", Path(directory) / "signature"
        allowed.write_text(signers, encoding="ascii")
        signature.write_text(artefact.signature, encoding="ascii")
        argv = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", SIGNER, "-n", artefact.namespace]
        with path.open("rb") as file:
            result = subprocess.run([*argv, "-s", str(signature)], stdin=file, capture_output=True, check=False)
    if result.returncode != 0:
        raise OperatorError(
            f"{path.name} has no valid signature of {SIGNER} for {artefact.namespace}; nothing was sent",
            next_command="fab build, or find out who made it",
        )


def write_whole(path: Path, body: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        OperatorError: It can't be written; what was there is there still.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(body)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise OperatorError(f"{path.name} can't be written: {error.strerror}", next_command="df -h .") from error
