"""The root file system that all lab hosts share, read-only, under their own overlays."""

import hashlib
import os
import shutil
import sys
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.files import make_directory
from infra.lab.commands import locked, run
from infra.lab.paths import IMAGE_CACHE, LOCK

SUITE = "bookworm"
# Without libpam-systemd: nobody stays longer than a script here, and a user manager costs 0.1 s at each login.
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "nginx-light",
    "libnginx-mod-http-lua",
    "haproxy",
    "python3",  # python3-minimal lacks modules that the results service imports
    "python3-httptools",
    "openssh-server",
    "iproute2",
    "procps",
    "sudo",
    "curl",
    "ca-certificates",
    "socat",
)
NOT_STARTED = ("nginx.service", "haproxy.service")
"""Installed everywhere, started only where a role asks for it."""

MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer")
"""What a throwaway host has no use for and would only cost boot time."""

SETUP = f"""set -eu
chroot "$1" useradd --create-home --shell /bin/bash --user-group deploy
install -m 0440 /dev/stdin "$1/etc/sudoers.d/deploy" <<'SUDO'
deploy ALL=(ALL) NOPASSWD: ALL
SUDO
chroot "$1" systemctl disable --quiet {" ".join(NOT_STARTED)}
chroot "$1" systemctl mask --quiet {" ".join(MASKED)}
chroot "$1" systemctl enable --quiet systemd-networkd.service ssh.service
rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/machine-id" "$1/etc/hostname" "$1/etc/resolv.conf"
"""
MINIMUM_FREE_BYTES = 2 * 1024**3
BUILD_TIMEOUT_SECONDS = 900


def image_name() -> str:
    """The image's name: it changes only when the packages or the set-up do."""
    recipe = "\n".join((SUITE, *PACKAGES, SETUP))
    return f"debian-{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:10]}"


def ensure_image() -> Path:
    """Return the root file system's directory, building it if this machine hasn't got it (about 30 s).

    Raises:
        OperatorError: No registry is reachable, the disk is full, or mmdebstrap is missing.
    """
    target = IMAGE_CACHE / image_name()
    with locked(LOCK.with_name("tegak-lab-image.lock")):
        if not target.exists():
            _build(target)
    return target


def _build(target: Path) -> None:
    make_directory(IMAGE_CACHE)
    if shutil.disk_usage(IMAGE_CACHE).free < MINIMUM_FREE_BYTES:
        raise OperatorError(
            f"the lab's image needs 2 GiB of free disk under {IMAGE_CACHE}", next_command=f"df -h {IMAGE_CACHE}"
        )
    # A temporary name: a build that was killed is never taken for a finished one.
    half_made = target.with_suffix(".half-made")
    shutil.rmtree(half_made, ignore_errors=True)
    argv = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    argv += [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("man", "doc", "locale")]
    argv += [f"--customize-hook={SETUP}", SUITE, str(half_made), *_apt_sources()]
    try:
        run(argv, step="building the lab's image", timeout_seconds=BUILD_TIMEOUT_SECONDS)
    except OperatorError as error:
        shutil.rmtree(half_made, ignore_errors=True)
        raise OperatorError(
            f"{error.message}; is a Debian mirror reachable? Nothing was kept", next_command="apt-get update"
        ) from error
    os.sync()
    half_made.rename(target)


def _apt_sources() -> list[str]:
    """This machine's own Debian sources, if it is the same release; mmdebstrap's default mirror otherwise."""
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    if f"VERSION_CODENAME={SUITE}" not in release:
        return []
    candidates = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    return [str(path) for path in candidates if path.exists() and path.read_text(encoding="utf-8").strip()][:1]


def main() -> int:
    """Build it if need be, beside whatever else set-up does; return the exit code."""
    try:
        ensure_image()
    except OperatorError as error:
        sys.stderr.write(error.report() + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
