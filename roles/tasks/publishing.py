"""What follows a change of the hosts: the bucket is brought to it, and hosts that came into service meanwhile.

What the bucket lacks never keeps anything from the hosts: it comes after them, and done again, the same command repairs
the bucket alone.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace

from infra.bridge.errors import OperatorError
from roles.bucket.bucket import Bucket
from roles.bucket.publishing import Publishing
from roles.hosts.lock import LockedError
from roles.hosts.state import observe
from roles.rollout.request import Request
from roles.stack.stack import Stack, open_fleet
from roles.tasks.rollouts import catch_up
from roles.terminal import say

BUCKET_IS_BEHIND = 4
"""The exit code where the hosts have what was asked for, and the bucket has not."""

RollOut = Callable[[], str | None]
"""Rolls something out; returns the release that hosts have then, as far as it can be said before."""


def with_bucket(stack: Stack, request: Request, roll_out: RollOut) -> None:
    """Roll out, then bring the bucket to it, and the hosts that came into service meanwhile.

    Args:
        stack: The stack.
        request: How the rollout was asked for; where it is only shown, so is what would be written.
        roll_out: The rollout.

    Raises:
        OperatorError: The rollout failed; or it did not, and the bucket is behind.
    """
    publishing = _publishing(stack)
    if publishing is None:
        roll_out()
    elif request.shown:
        publishing.show(roll_out())
    else:
        with _log_carried(publishing):
            roll_out()
        with _hosts_have_it(publishing):
            publishing.start()
        if bring_latecomers(stack, request):
            with _hosts_have_it(publishing):
                publishing.start()
        with _hosts_have_it(publishing):
            publishing.site()


def bring_bucket(stack: Stack, *, shown: bool) -> None:
    """Bring the bucket to what the log says, or say what would be written.

    Raises:
        OperatorError: The stack has none, or it could not be brought there.
    """
    publishing = _publishing(stack)
    if publishing is None:
        raise OperatorError(f"the stack {stack.checkout.stack} has no bucket: nothing of it is on AWS")
    if shown:
        publishing.show(observe(stack.fleet).log.release)
        return
    with _hosts_have_it(publishing):
        publishing.start()
        publishing.site()


def carry_log(stack: Stack) -> None:
    """Bring a new line of the log to where new hosts take it from.

    Raises:
        OperatorError: The bucket could not be brought to it.
    """
    publishing = _publishing(stack)
    if publishing is not None:
        with _hosts_have_it(publishing):
            publishing.start()


def bring_latecomers(stack: Stack, request: Request) -> bool:
    """Roll out on hosts that came into service since their group was looked up: they may have begun with the old.

    One that begins from now on begins with the new, and one that was about to come into service reads what it begins
    with again before it does.

    Returns:
        Whether there were any.

    Raises:
        OperatorError: The rollout failed.
    """
    known = {host.name for host in stack.fleet.inventory.hosts}
    with open_fleet(stack.checkout, stack.outputs) as fleet:
        late = [host.name for host in fleet.inventory.hosts if host.name not in known]
        if late:
            say(f"came into service meanwhile: {', '.join(late)}")
            catch_up(replace(stack, fleet=fleet), request)
    return bool(late)


def _publishing(stack: Stack) -> Publishing | None:
    place = stack.fleet.inventory.publication
    if place is None:
        return None
    return Publishing(stack, Bucket(place))


@contextmanager
def _log_carried(publishing: Publishing) -> Generator[None, None, None]:
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
def _hosts_have_it(publishing: Publishing) -> Generator[None, None, None]:
    """Say of an error that it is the bucket's alone."""
    try:
        yield
    except OperatorError as error:
        first = f"{error.next_command}; then " if error.next_command else ""
        raise OperatorError(
            f"the hosts have it, but the bucket {publishing.bucket.publication.bucket} has not all of it yet: "
            f"{error.message}",
            next_command=f"{first}the same command again, or fab bucket --stack {publishing.stack.checkout.stack}",
            exit_code=BUCKET_IS_BEHIND,
        ) from error
