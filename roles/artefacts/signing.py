"""Signing what is sent to hosts, and reading what was signed."""

import hashlib
import subprocess
import tempfile
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.files import write_whole
from infra.bridge.signers import SIGNER
from roles.scripts.artefacts import Artefact


def sha256_beside(path: Path) -> Path:
    """Where a signed file's sha256 is."""
    return path.with_name(f"{path.name}.sha256")


def signature_beside(path: Path) -> Path:
    """Where a signed file's signature is."""
    return path.with_name(f"{path.name}.sig")


def sign(path: Path, key: Path, namespace: str) -> None:
    """Write a file's sha256 and ssh signature beside it.

    Raises:
        OperatorError: The key is missing or ssh-keygen failed.
    """
    signature_beside(path).unlink(missing_ok=True)  # ssh-keygen would ask whether to overwrite it
    _ssh_sign(key, namespace, path.name, str(path))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    write_whole(sha256_beside(path), f"{digest}  {path.name}\n".encode())


def signature_of(body: bytes, key: Path, namespace: str, what: str) -> str:
    """The ssh signature of some bytes.

    Args:
        body: What is signed.
        key: The private key.
        namespace: What the signature is for.
        what: What the bytes are, for the error's sentence.

    Raises:
        OperatorError: The key is missing or ssh-keygen failed.
    """
    return _ssh_sign(key, namespace, what, stdin=body)


def _ssh_sign(key: Path, namespace: str, what: str, *file: str, stdin: bytes = b"") -> str:
    if not key.exists():
        raise OperatorError(f"the key {key.name} that signs is missing", next_command="make setup")
    argv = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace, *file]
    result = subprocess.run(argv, input=stdin, capture_output=True, check=False)
    if result.returncode != 0:
        words = (result.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise OperatorError(f"{what} could not be signed: {words}", next_command="make setup")
    return result.stdout.decode("ascii")


def read_artefact(name: str, path: Path, namespace: str, *, next_command: str) -> Artefact:
    """Read what a host needs to know of a signed file.

    Raises:
        OperatorError: The file, its sha256 or its signature is missing, or no text.
    """
    try:
        sha256 = sha256_beside(path).read_text(encoding="ascii").split()[0]
        signature = signature_beside(path).read_text(encoding="ascii")
        return Artefact(name, path.stat().st_size, sha256, signature, namespace)
    except (OSError, ValueError, IndexError) as error:
        raise OperatorError(
            f"{path.name} or what belongs to it is missing or cut", next_command=next_command
        ) from error


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
