"""Runs on a host, with its own Python and nothing else: changes what the host runs, and puts it back.

Its argument is JSON, made by `roles.scripts.activation`: what is to be done (`act`), where things are on the host, and
the files that it is about. Standard input of `activate` is a tar of the files that differ. What the host had before is
kept below `saved` until the rollout ends, so that undoing needs nothing but the host itself.
"""

import contextlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
from typing import Any

STAGED = "staged/"
"""Stands for the staging directory in a checker's words."""

CHECKERS_LINES, JOURNALS_LINES, COLUMNS = 4, 3, 300
STARTING = ("restart", "reload", "reload-or-restart", "try-reload-or-restart")
COMPLETE = "complete"


class ActivationRefusedError(Exception):
    """The host can't do it; the message is for the operator."""


def text_of(path: str) -> str:
    """What a file says."""
    with open(path, encoding="utf-8") as opened:
        return opened.read()


def write(path: str, text: str) -> None:
    """Write a file, so that no reader sees half of it."""
    new = f"{path}.tegak-new"
    with open(new, "w", encoding="utf-8") as opened:
        opened.write(text)
    os.replace(new, path)


def remove(path: str) -> None:
    """Remove a file or link; fine if it is gone."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def place(source: str, path: str) -> None:
    """Copy a file with owner, mode and times beside its place, then rename it: no reader may see half of it."""
    new, kept = f"{path}.tegak-new", os.stat(source)
    remove(new)
    # Closed to others until its own mode is set: it may be a secret.
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target, open(source, "rb") as origin:
        shutil.copyfileobj(origin, target)
        os.fchown(target.fileno(), kept.st_uid, kept.st_gid)
        os.fchmod(target.fileno(), stat.S_IMODE(kept.st_mode))
    os.utime(new, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    os.replace(new, path)


def point(link: str, target: str) -> None:
    """Point a link at something by a rename, so that no reader ever misses it."""
    new = f"{link}.new"
    remove(new)
    os.symlink(target, new)
    os.replace(new, link)


def unpack(stage: str) -> None:
    """Unpack standard input: regular files alone, with their modes."""
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as packed:
        for member in packed:
            body = packed.extractfile(member)
            path = os.path.normpath(f"{stage}/{member.name}")
            if body is None or not path.startswith(f"{stage}/"):
                raise ActivationRefusedError(f"{member.name} is no file of a host")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as opened:
                shutil.copyfileobj(body, opened)
            os.chmod(path, member.mode)


def ask_checker(file: "dict[str, Any]", stage: str) -> None:
    """Let the daemon's own checker look at a file before it is in place.

    What it calls notices is left out of its words, and so is the staging directory, which is gone when they are read.
    """
    words = [f"{stage}/{word.removeprefix(STAGED)}" if word.startswith(STAGED) else word for word in file["checker"]]
    try:
        asked = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        refused, said = asked.returncode != 0, asked.stdout
    except OSError as error:
        refused, said = True, str(error.strerror)
    if refused:
        lines = said.replace(stage, "").strip().splitlines()
        shown = [line[:COLUMNS] for line in lines if "[NOTICE]" not in line][:CHECKERS_LINES]
        sentence = f"{file['path']} (of {file['source']}) is refused by {words[0]}:"
        raise ActivationRefusedError("\n".join([sentence, *(shown or ["it says nothing"])]))


def run(action: "list[str]", restart: "list[str]") -> None:
    """What a file or release asks for; a daemon that refuses it says why in its journal, and systemctl does not."""
    if action == restart:
        # A release that failed to start a few times leaves a limit behind, which is not this one's.
        subprocess.run(["systemctl", "reset-failed", action[-1]], stderr=subprocess.DEVNULL, check=False)
    done = subprocess.run(action, stdin=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        return
    if action[0] == "systemctl" and action[1] in STARTING:
        words = ["journalctl", "-q", "--no-pager", "-o", "cat", "-n", str(JOURNALS_LINES), "-u", action[-1]]
        sys.stderr.write(subprocess.run(words, capture_output=True, text=True, check=False).stdout)
    raise ActivationRefusedError  # it has said why itself


def mark_of(pending: str, path: str) -> str:
    """The mark of a file that is in place while what it asks for has not been done."""
    return f"{pending}/{path.lstrip('/').replace('/', ':')}"


def save(asked: "dict[str, Any]", paths: "list[str]") -> None:
    """Keep what the host has; once, since a resumed rollout must not take what it placed for what was there before."""
    saved = asked["saved"]
    if os.path.exists(f"{saved}/{COMPLETE}"):
        return
    shutil.rmtree(saved, ignore_errors=True)
    os.makedirs(f"{saved}/files")
    write(f"{saved}/paths", "".join(f"{path}\n" for path in paths))
    for path in paths:
        if os.path.exists(path):
            os.makedirs(os.path.dirname(f"{saved}/files{path}"), exist_ok=True)
            place(path, f"{saved}/files{path}")
    write(f"{saved}/release", os.readlink(asked["link"]) if os.path.islink(asked["link"]) else "")
    if asked["release"]:
        write(f"{saved}/switched", "")
    write(f"{saved}/managed", text_of(asked["managed"]) if os.path.exists(asked["managed"]) else "")
    write(f"{saved}/{COMPLETE}", "")


def place_checked(asked: "dict[str, Any]") -> None:
    """Unpack, have everything checked before anything is touched, keep what was there, and place the files."""
    files, release, pending = asked["files"], asked["release"], asked["pending"]
    with tempfile.TemporaryDirectory(prefix=asked["stage"]) as stage:
        unpack(stage)
        for file in files:
            if file["checker"]:
                ask_checker(file, stage)
        if release and not os.path.exists(f"{release}/{asked['complete']}"):
            raise ActivationRefusedError(f"{release} is not complete")
        save(asked, [*(file["path"] for file in files), *asked["gone"]])
        os.makedirs(pending, exist_ok=True)
        for file in files:
            write(mark_of(pending, file["path"]), "")
        for file in files:
            os.makedirs(os.path.dirname(file["path"]), exist_ok=True)
            place(f"{stage}{file['path']}", file["path"])


def run_once(actions: "list[list[str]]", restart: "list[str]") -> None:
    """Each action once, in order."""
    done: list[list[str]] = []
    for action in actions:
        if action not in done:
            run(action, restart)
            done.append(action)


def activate(asked: "dict[str, Any]") -> None:
    """Check and place files, point at a release, and do what they ask for."""
    files, gone, release = asked["files"], asked["gone"], asked["release"]
    place_checked(asked)
    for path in gone:
        remove(path)
    write(asked["managed"], "".join(f"{path}\n" for path in asked["wanted"]))
    if release:
        point(asked["link"], release)
    wanted = [action for file in files for action in file["actions"]]
    run_once([*wanted, asked["restart"]] if release else wanted, asked["restart"])
    for path in [*(file["path"] for file in files), *gone]:
        remove(mark_of(asked["pending"], path))


def restore(asked: "dict[str, Any]", paths: "list[str]") -> "str | None":
    """Bring back files and release; what the release was, None if the rollout did not switch it."""
    saved, link = asked["saved"], asked["link"]
    for path in paths:
        if os.path.exists(f"{saved}/files{path}"):
            place(f"{saved}/files{path}", path)
        else:
            remove(path)
    write(asked["managed"], text_of(f"{saved}/managed"))
    if not os.path.exists(f"{saved}/switched"):
        return None
    before = text_of(f"{saved}/release").strip()
    if before:
        point(link, before)
    else:
        remove(link)
    return before


def put_back(asked: "dict[str, Any]") -> None:
    """Undo `activate`, as far as it came on the host; nothing happens where it never began."""
    saved, restart = asked["saved"], asked["restart"]
    if not os.path.exists(f"{saved}/{COMPLETE}"):
        return
    paths = text_of(f"{saved}/paths").splitlines()
    before = restore(asked, paths)
    # Only what a file asks for that was changed, and is there again.
    changed = [file for file in asked["files"] if file["path"] in paths and os.path.exists(file["path"])]
    actions = [action for file in changed for action in file["actions"]]
    run_once([*actions, restart] if before else actions, restart)
    if before == "":
        subprocess.run(["systemctl", "stop", restart[-1]], stderr=subprocess.DEVNULL, check=False)
    for path in paths:
        remove(mark_of(asked["pending"], path))


def main() -> int:
    """Do what is asked; return the exit code."""
    asked = json.loads(sys.argv[1])
    try:
        {"activate": activate, "put_back": put_back}[asked["act"]](asked)
    except ActivationRefusedError as error:
        sys.stderr.write("".join(f"{line}\n" for line in str(error).splitlines()))
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename or 'standard input'}: {error.strerror or error}\n")
        return 1
    return 0


sys.exit(main())
