"""What operators do beside rollouts: freeze, lock, mark a release, take a location out, bring certificates."""

from dataclasses import dataclass

from infra.bridge.errors import OperatorError
from infra.bridge.files import PRIVATE, write_whole
from roles.hosts.audit import Action, Entry
from roles.hosts.connection import HostError
from roles.hosts.lock import LockedError, new_record
from roles.hosts.locking import Lock
from roles.hosts.pool import DRAIN_SECONDS, UP_SECONDS
from roles.hosts.state import Observation, observe
from roles.rollout.request import check_reason, new_id
from roles.scripts import pool
from roles.scripts.certificate import UNCHANGED, place_certificate
from roles.scripts.host_files import archive
from roles.scripts.layout import LOCATIONS
from roles.scripts.quoting import Script
from roles.stack.names import closest
from roles.stack.stack import Stack
from roles.tasks.certificates import Bringing, certificates_to_bring
from roles.tasks.publishing import carry_log
from roles.tasks.rollouts import session_on
from roles.terminal import say


@dataclass(frozen=True)
class Housekeeping:
    """The tasks beside rollouts, on one stack."""

    stack: Stack

    def freeze(self, reason: str) -> None:
        """Stop deploys, rollbacks and configuration until somebody unfreezes; results go on being published."""
        self._need(reason, "fab freeze --reason '…'")
        self._note("freeze", reason)
        say(f"frozen: {reason}")

    def unfreeze(self, reason: str) -> None:
        """Let changes through again.

        Raises:
            OperatorError: The stack isn't frozen.
        """
        observed = observe(self.stack.fleet)
        if observed.log.freeze is None:
            raise OperatorError("the stack is not frozen", next_command="fab status")
        self._note("unfreeze", reason, observed)
        say("unfrozen")

    def mark(self, release: str, reason: str, *, bad: bool) -> None:
        """Mark a release bad, so that no rollback goes to it, or good again.

        Raises:
            OperatorError: Nobody has heard of the release.
        """
        observed = observe(self.stack.fleet)
        known = {name for state in observed.states.values() for name in state.releases}
        known |= {entry.release for entry in observed.log.entries if entry.release}
        if release not in known:
            raise OperatorError(
                f"there is no release {release!r:.80}; {closest(release, known)}", next_command="fab releases"
            )
        self._note("mark-bad" if bad else "mark-good", reason, observed, release=release)
        say(f"{release} is marked {'bad' if bad else 'good'}")

    def lock(self, reason: str, *, take_over: bool) -> None:
        """Keep the stack for this checkout.

        Raises:
            OperatorError: Somebody else has it.
        """
        self._need(reason, "fab lock --reason '…'")
        session, observed = session_on(self.stack), observe(self.stack.fleet)
        found = observed.lock
        if found and session.held == found.token:
            raise OperatorError("this checkout has the lock already", next_command="fab unlock")
        if found and not take_over:
            raise LockedError(found)
        # What an interrupted rollout meant to do goes over with its lock: it can still be ended or undone.
        record = new_record(session.operator, reason, session.now(), found.intent if found else None)
        lock = Lock(self.stack.fleet, observed.answering, record, observed.inventory.rollout.lock_minutes)
        write_whole(self.stack.token_file, record.token.encode(), PRIVATE)
        try:
            (lock.take_over if take_over else lock.take)()
        except OperatorError:
            self.stack.token_file.unlink(missing_ok=True)
            raise
        was = f" (taken over from {found.sentence()})" if found and take_over else ""
        self._note("lock", f"{reason}{was}"[:1000], observed)
        say(f"locked for {observed.inventory.rollout.lock_minutes} minutes: {reason}{was}")
        if found and found.intent:
            say(f"its {found.intent.action} was interrupted: fab resume ends it, fab abort undoes it")

    def unlock(self) -> None:
        """Give the lock back that this checkout took.

        Raises:
            OperatorError: It has none.
        """
        session, observed = session_on(self.stack), observe(self.stack.fleet)
        found = observed.lock
        if session.held is None:
            if found is None:
                raise OperatorError("the stack is not locked", next_command="fab status")
            raise LockedError(found)
        if found and found.token == session.held and found.intent:
            raise OperatorError(
                f"a {found.intent.action} of {found.intent.target} has not ended; the lock stays with this checkout",
                next_command="fab resume or fab abort, then fab unlock",
            )
        record = new_record(session.operator, "", session.now()).model_copy(update={"token": session.held})
        Lock(self.stack.fleet, observed.answering, record, 1).give_back()
        self.stack.token_file.unlink()
        self._note("unlock", "", observed)
        say("unlocked")

    def drain_location(self, location: str, reason: str, *, emergency: bool = False) -> None:
        """Take a location out at the edge: it gets no new requests, and finishes those that it has.

        Raises:
            OperatorError: There is no such location, or no other one serves.
        """
        observed = observe(self.stack.fleet)
        self._known_location(observed, location)
        others = [name for name, state in observed.locations.items() if state == "up" and name != location]
        if not others and not emergency:
            raise OperatorError(
                f"no other location than {location} serves; nothing was changed",
                next_command="fab status, or --emergency if it must go all the same",
            )
        script = pool.drain(LOCATIONS, location).then(pool.wait_until_idle(LOCATIONS, location, DRAIN_SECONDS))
        self._at_edges(f"draining {location}", script)
        self._note("drain-location", reason, observed, location=location)
        say(f"{location} is out; {', '.join(others) or 'nobody'} serves")

    def undrain_location(self, location: str, reason: str) -> None:
        """Put a location back at the edge, and wait until it is found up.

        Raises:
            OperatorError: There is no such location, its hosts have something else than the others, or it isn't up: it
                gets no requests until it is.
        """
        observed = observe(self.stack.fleet)
        self._known_location(observed, location)
        if outdated := observed.outdated(location):
            raise OperatorError(
                f"{outdated[0]} has another release or other results than the log says; {location} stays out",
                next_command="fab publish and fab deploy, then fab undrain-location",
            )
        script = pool.undrain(LOCATIONS, location).then(pool.wait_until_up(LOCATIONS, location, UP_SECONDS))
        self._at_edges(f"putting {location} back", script)
        self._note("undrain-location", reason, observed, location=location)
        say(f"{location} is back")

    def certificate(self) -> None:
        """Bring certificates and keys to the hosts that show one which provisioning can't place there.

        Raises:
            OperatorError: The stack has no such host, a certificate is not fit, or HAProxy refuses it.
        """
        brought: list[str] = []
        for one in certificates_to_bring(self.stack, session_on(self.stack).now()):
            changed = self._bring(one)
            if changed:
                self._note("certificate", one.source)
            brought += changed
        say(f"certificate: {'brought to ' + ', '.join(brought) if brought else 'every host has it already'}")

    def _bring(self, one: Bringing) -> list[str]:
        """Bring a certificate to its hosts; the names of those that had another one, or none."""
        fleet, script, files = self.stack.fleet, place_certificate(one.path), archive(one.files())
        said = fleet.all_or_error(one.hosts, lambda host: fleet[host].run("bringing its certificate", script, files))
        return [name for name, word in said.items() if word.strip() != UNCHANGED]

    def _note(
        self,
        action: Action,
        reason: str,
        observed: Observation | None = None,
        *,
        release: str | None = None,
        location: str | None = None,
    ) -> None:
        session = session_on(self.stack)
        now = session.now()
        entry = Entry(
            id=new_id(now),
            at=now,
            action=action,
            operator=session.operator,
            reason=check_reason(reason),
            release=release,
            location=location,
        )
        session.note(observed or observe(self.stack.fleet), entry)
        carry_log(self.stack)

    def _at_edges(self, step: str, script: Script) -> None:
        fleet = self.stack.fleet
        results = fleet.on_each(fleet.inventory.with_role("edge"), lambda edge: fleet[edge].run(step, script))
        for result in results.values():
            if isinstance(result, HostError):
                raise result

    @staticmethod
    def _known_location(observed: Observation, location: str) -> None:
        names = [place.name for place in observed.inventory.locations]
        if location not in names:
            raise OperatorError(f"there is no location {location!r:.80}; {closest(location, names)}")
        if not observed.inventory.with_role("edge"):
            raise OperatorError(
                "the edge of this stack is a CDN, which leaves out a location whose health check fails, and no other; "
                "nothing was changed",
                next_command="fab status",
            )

    @staticmethod
    def _need(reason: str, command: str) -> None:
        check_reason(reason)
        if not reason.strip():
            raise OperatorError("a reason is needed: whoever is stopped by it will want to know", next_command=command)
