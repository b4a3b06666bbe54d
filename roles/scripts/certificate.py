"""Bringing a host with HAProxy its certificate and key."""

from pathlib import PurePosixPath

from roles.scripts.quoting import Script, all_of, ask_checker, case_of, command, exists, script, unless

CONFIGURATION = "/etc/haproxy/haproxy.cfg"
UNCHANGED = "unchanged"
REFUSED = "HAProxy refuses the new certificate, the old one stays:"


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
    same = all_of(*(f'cmp -s "$stage"{command(file)} {command(file)}' for file in files))
    put_back = [f'mv -T "$stage"/{file.name}.old {command(file)}' for file in files]
    return script(
        "umask 077",
        command("install", "-d", "-m", "0755", certificate.parent),
        # Beside its place, so that a rename is enough; a key is never anywhere else on the host.
        f"stage=$(mktemp -d {command(stage)}); trap 'rm -rf \"$stage\"' EXIT",
        'tar -x -C "$stage" --no-same-owner',
        *case_of(same, command("echo", UNCHANGED), "exit 0"),
        *(unless(f"! {exists(file)}", f'cp -p {command(file)} "$stage"/{file.name}.old') for file in files),
        *(f'mv -T "$stage"{command(file)} {command(file)}' for file in files),
        unless(command("systemctl", "is-active", "--quiet", "haproxy"), "exit 0"),
        *ask_checker(command("haproxy", "-c", "-f", CONFIGURATION), REFUSED, *put_back),
        command("systemctl", "reload", "haproxy"),
        timeout_seconds=30,
    )
