"""What an operator's machine can't take any more stops nothing on the hosts: a closed pipe, a full disk."""

from shlex import quote

from roles.artefacts.release import build_release
from tests.deploy.test_rollout import running
from tests.stands.lab import LabStack


def test_a_deploy_whose_output_nobody_reads_goes_on_to_its_end(stack: LabStack) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "5.5.1").name
    result = stack.shell(f"fab deploy --stack {stack.name} --release {new} | head -2")
    assert (result.code, len(result.output.splitlines())) == (0, 2)
    assert running(stack) == {new}
    stack.fab("rollback")
    assert running(stack) == {old}


def on_a_full_disk(stack: LabStack, words: str) -> tuple[int, str]:
    """Type a task where nothing more can be kept: its disk is seen by nobody else, and gone with the command."""
    cache = quote(str(stack.checkout.stack_cache))
    full = f"mount -t tmpfs -o size=4k full {cache} && head -c 4096 /dev/zero > {cache}/x"
    result = stack.shell(f"unshare --mount sh -c '{full} && exec fab {words} --stack {stack.name}'")
    return result.code, result.output


def test_what_only_looks_works_on_a_full_disk(stack: LabStack) -> None:
    for task in ("status", "history", "releases", "drift"):
        code, output = on_a_full_disk(stack, task)
        assert code == 0, output


def test_a_lock_whose_token_cannot_be_kept_is_not_taken(stack: LabStack) -> None:
    code, output = on_a_full_disk(stack, "lock --reason maintenance")
    assert code == 1, output
    assert "error: lock.token can't be written: No space left on device" in output
    assert "Traceback" not in output
    assert "locked by" not in stack.fab("status")
