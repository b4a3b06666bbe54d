"""Bringing a host with HAProxy its certificate and key."""

from pathlib import PurePosixPath

from roles.scripts.quoting import Script, command, script

CONFIGURATION = "/etc/haproxy/haproxy.cfg"
UNCHANGED = "unchanged"


def key_of(certificate: PurePosixPath) -> PurePosixPath:
    """Where a certificate's key is: beside it, where HAProxy looks."""
    return certificate.with_suffix(".key")


def place_certificate(certificate: PurePosixPath) -> Script:
    """Place what standard input has, a tar of both files, and let HAProxy take it; what it refuses is put back.

    Prints `unchanged` where the host has both already.

    Args:
        certificate: Where it belongs; its key is placed beside it.
    """
    files = (key_of(certificate), certificate)
    stage = certificate.with_name("new.XXXXXX")
    same = " && ".join(f'cmp -s "$stage"{command(file)} {command(file)}' for file in files)
    refused = command("echo", "HAProxy refuses the new certificate, the old one stays:")
    return script(
        "umask 077",
        command("install", "-d", "-m", "0755", certificate.parent),
        # Beside its place, so that a rename is enough; a key is never anywhere else on the host.
        f"stage=$(mktemp -d {command(stage)}); trap 'rm -rf \"$stage\"' EXIT",
        'tar -x -C "$stage" --no-same-owner',
        f"if {same}; then {command('echo', UNCHANGED)}; exit 0; fi",
        *(f'[ ! -e {command(file)} ] || cp -p {command(file)} "$stage"/{file.name}.old' for file in files),
        *(f'mv -T "$stage"{command(file)} {command(file)}' for file in files),
        "systemctl is-active --quiet haproxy || exit 0",
        f"if ! message=$({command('haproxy', '-c', '-q', '-f', CONFIGURATION)} 2>&1); then",
        *(f'  mv -T "$stage"/{file.name}.old {command(file)}' for file in files),
        f'  {{ {refused} "$message"; }} | tail -3 >&2; exit 1',
        "fi",
        command("systemctl", "reload", "haproxy"),
        timeout_seconds=30,
    )
