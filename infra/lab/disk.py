"""A lab host's disk: an overlay over the shared image, and the files that are put there before it boots."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.files import DIRECTORY, make_directory, write_whole
from infra.lab.commands import run

DEPLOY_UID = DEPLOY_GID = 1000
"""The first user the image makes: `deploy`."""


@dataclass(frozen=True)
class SeedFile:
    """A file that provisioning puts on a host.

    Args:
        path: Where on the host, absolute.
        content: Its bytes.
        mode: Permission bits.
        owner: uid and gid, one number.
    """

    path: str
    content: bytes
    mode: int = 0o644
    owner: int = 0


@dataclass(frozen=True)
class Disk:
    """The overlay of one host, in its directory."""

    directory: Path

    @property
    def root(self) -> Path:
        """The merged file system: the host's `/`."""
        return self.directory / "root"

    @property
    def upper(self) -> Path:
        """The layer that holds what the host wrote."""
        return self.directory / "upper"

    def mount(self, image: Path) -> None:
        """Mount the overlay; fine if it is mounted."""
        if os.path.ismount(self.root):
            return
        for name in ("root", "upper", "work"):
            directory = self.directory / name
            make_directory(directory)
            directory.chmod(DIRECTORY)  # the upper layer's mode is that of the host's `/`
        layers = f"lowerdir={image},upperdir={self.upper},workdir={self.directory / 'work'}"
        run(["mount", "-t", "overlay", "tegak-lab", "-o", layers, str(self.root)], step=f"mounting {self.root}")

    def unmount(self) -> None:
        """Unmount the overlay; fine if it is not mounted."""
        # A host's last process may hold the mount for a moment after it was killed: lazy is right here.
        while os.path.ismount(self.root):
            run(["umount", "--lazy", str(self.root)], step=f"unmounting {self.root}")

    def delete(self) -> None:
        """Unmount, and remove everything the host ever wrote."""
        self.unmount()
        # rm is several times faster than shutil.rmtree over a snapshot's quarter of a million files.
        subprocess.run(["rm", "-rf", "--one-file-system", str(self.directory)], check=False, capture_output=True)
        if self.directory.exists():
            raise OperatorError(f"{self.directory} could not be removed", next_command=f"ls -la {self.directory}")

    def write(self, seeds: tuple[SeedFile, ...]) -> None:
        """Put the files on the disk, each one whole or not at all."""
        for seed in seeds:
            target = self.root / seed.path.lstrip("/")
            make_directory(target.parent, owner=seed.owner)
            write_whole(target, seed.content, seed.mode, seed.owner)

    def free_bytes(self) -> int:
        """Free space where the disk lives."""
        return shutil.disk_usage(self.directory.parent).free
