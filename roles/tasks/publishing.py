"""What follows a change of the hosts: the bucket is brought to it, and hosts that came into service meanwhile.

What the bucket lacks never keeps anything from the hosts: it comes after them, and done again, the same command repairs
the bucket alone.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from infra.bridge.errors import OperatorError
from roles.hosts.fleet import Fleet
from roles.hosts.groups import with_members
from roles.hosts.lock import LockedError
from roles.hosts.state import observe
from roles.rollout.request import Request
from roles.tasks.operations import Operations
from roles.terminal import say

if TYPE_CHECKING:
    from roles.bucket.publishing import Publishing

BUCKET_IS_BEHIND = 4
"""The exit code where the hosts have what was asked for, and the bucket has not."""

RollOut = Callable[[Operations], str | None]
"""Rolls something out; returns the release that hosts have then, as far as it can be said before."""


def with_bucket(on_stack: Operations, request: Request, roll_out: RollOut) -> None:
    """Roll out, then bring the bucket to it, and the hosts that came into service meanwhile.

    Args:
        on_stack: The tasks on the stack.
        request: How the rollout was asked for; where it is only shown, so is what would be written.
        roll_out: The rollout.

    Raises:
        OperatorError: The rollout failed; or it did not, and the bucket is behind.
    """
    publishing = _publishing(on_stack)
    if publishing is None:
        roll_out(on_stack)
    elif request.shown:
        publishing.show(roll_out(on_stack))
    else:
        with _log_carried(publishing):
            roll_out(on_stack)
        with _hosts_have_it(publishing):
            publishing.start()
        if bring_latecomers(on_stack, request):
            with _hosts_have_it(publishing):
                publishing.start()
        with _hosts_have_it(publishing):
            publishing.site()


def bring_bucket(on_stack: Operations, *, shown: bool) -> None:
    """Bring the bucket to what the log says, or say what would be written.

    Raises:
        OperatorError: The stack has none, or it could not be brought there.
    """
    publishing = _publishing(on_stack)
    if publishing is None:
        raise OperatorError(f"the stack {on_stack.checkout.stack} has no bucket: nothing of it is on AWS")
    if shown:
        publishing.show(observe(on_stack.fleet).log.release)
        return
    with _hosts_have_it(publishing):
        publishing.start()
        publishing.site()


def carry_log(on_stack: Operations) -> None:
    """Bring a new line of the log to where new hosts take it from.

    Raises:
        OperatorError: The bucket could not be brought to it.
    """
    publishing = _publishing(on_stack)
    if publishing is not None:
        with _hosts_have_it(publishing):
            publishing.start()


def bring_latecomers(on_stack: Operations, request: Request) -> bool:
    """Roll out on hosts that came into service since their group was looked up: they may have begun with the old.

    One that begins from now on begins with the new, and one that was about to come into service reads what it begins
    with again before it does.

    Returns:
        Whether there were any.

    Raises:
        OperatorError: The rollout failed.
    """
    inventory, missing = with_members(on_stack.outputs.inventory, on_stack.checkout.stack_cache)
    known = {host.name for host in on_stack.fleet.inventory.hosts}
    late = [host.name for host in inventory.hosts if host.name not in known]
    if not late:
        return False
    say(f"came into service meanwhile: {', '.join(late)}")
    fleet = Fleet.of(inventory, on_stack.checkout.operator_key, missing)
    try:
        Operations(on_stack.checkout, on_stack.outputs, fleet).catch_up(request)
    finally:
        fleet.close()
    return True


def _publishing(on_stack: Operations) -> "Publishing | None":
    place = on_stack.fleet.inventory.publication
    if place is None:
        return None
    # Only here: it brings boto3, which costs a third of a second.
    from roles.bucket.bucket import Bucket  # noqa: PLC0415
    from roles.bucket.publishing import Publishing  # noqa: PLC0415

    return Publishing(on_stack, Bucket(place))


@contextmanager
def _log_carried(publishing: "Publishing") -> Generator[None, None, None]:
    """What a failed rollout wrote into the log is carried to the bucket too; its own error is the one that counts."""
    try:
        yield
    except LockedError:
        raise
    except OperatorError:
        try:
            publishing.start()
        except OperatorError as error:
            say(f"bucket: {error.message}")
        raise


@contextmanager
def _hosts_have_it(publishing: "Publishing") -> Generator[None, None, None]:
    """Say of an error that it is the bucket's alone."""
    try:
        yield
    except OperatorError as error:
        first = f"{error.next_command}; then " if error.next_command else ""
        raise OperatorError(
            f"the hosts have it, but the bucket {publishing.bucket.place.bucket} has not all of it yet: "
            f"{error.message}",
            next_command=f"{first}the same command again, or fab bucket --stack {publishing.tasks.checkout.stack}",
            exit_code=BUCKET_IS_BEHIND,
        ) from error
