"""What a rollout brings: a release, found in dist/ or on a host that keeps it, and each host's files with it."""

from dataclasses import dataclass

from infra.bridge.errors import OperatorError
from roles.artefacts.files import OWN_PARTS, Configuration, Templates
from roles.artefacts.release import Release, find_release, kept_templates
from roles.hosts.state import NoRelease, Observation
from roles.rollout.changes import Target
from roles.rollout.plan import OWN_FILES
from roles.scripts.artefacts import read_signed
from roles.stack.stack import Stack
from roles.terminal import say


class NowhereError(OperatorError):
    """A release is neither in dist/ nor on a host that answers."""

    def __init__(self, name: str) -> None:
        super().__init__(f"release {name} is neither in dist/ nor on a host that answers", next_command="fab releases")


@dataclass(frozen=True)
class Wanted:
    """What hosts of a stack should have.

    Args:
        stack: The stack.
    """

    stack: Stack

    def target_of_release(self, release: Release, observed: Observation) -> Target:
        """A release of dist/, with its configuration.

        Raises:
            OperatorError: It was changed after it was signed, or its templates can't be used.
        """
        templates = release.templates(self.stack.signers)
        return self._target(release.name, release, templates, observed)

    def target_of_name(self, name: str, observed: Observation) -> Target:
        """A release by its name, wherever it is.

        Raises:
            NowhereError: It is neither in dist/ nor on a host that answers.
        """
        built = self._built(name)
        if built is not None:
            return self.target_of_release(built, observed)
        return self._target(name, None, self._kept_templates(name, observed), observed)

    def target_in_force(self, observed: Observation) -> Target:
        """The current release with its configuration; of a stack that has none yet, what every host has without it.

        Raises:
            OperatorError: Nobody can say which it is.
        """
        release = observed.release
        if isinstance(release, str):
            return self.target_of_name(release, observed)
        if release is NoRelease.UNKNOWN:
            raise OperatorError(
                f"{release.value}: the log of the hosts that answer names none; nothing was changed",
                next_command="fab status, then fab deploy of the release that the site is to have",
            )
        return self._own_files(observed)

    def target_of_journal(self, target: str, observed: Observation) -> Target:
        """What an interrupted rollout was to bring.

        Args:
            target: As its plan named it.
            observed: What the hosts have.

        Raises:
            NowhereError: It is neither in dist/ nor on a host that answers.
        """
        return self._own_files(observed) if target == OWN_FILES else self.target_of_name(target, observed)

    def target_of_nothing(self, observed: Observation) -> Target:
        """For undoing a rollout whose release nobody has any more: no file is placed, and none is removed."""
        return self._target(NoRelease.UNKNOWN, None, None, observed)

    def configuration_in_force(self, observed: Observation) -> Configuration:
        """What decides which files a host should have, by the current release.

        Raises:
            NowhereError: The release is neither in dist/ nor on a host that answers.
        """
        name = observed.log.release
        return self._configuration(self._templates(name, observed) if name else None)

    def _templates(self, name: str, observed: Observation) -> Templates:
        """A release's templates: from dist/, or from a host that keeps it."""
        built = self._built(name)
        return built.templates(self.stack.signers) if built else self._kept_templates(name, observed)

    def _own_files(self, observed: Observation) -> Target:
        return self._target(NoRelease.NONE_YET, None, None, observed)

    def _built(self, name: str) -> Release | None:
        try:
            return find_release(self.stack.checkout, name)
        except OperatorError:
            return None

    def _kept_templates(self, name: str, observed: Observation) -> Templates:
        keepers = [host for host in observed.answering if name in observed.states[host.name].releases]
        for keeper in keepers:
            try:
                printed = self.stack.fleet[keeper].run("reading its release", read_signed(name))
                return kept_templates(name, printed, self.stack.signers)
            except OperatorError as error:
                say(f"{keeper.name}: its release {name} is not used here: {error.message}")
        raise NowhereError(name)

    def _configuration(self, templates: Templates | None) -> Configuration:
        own = Templates.of_checkout(OWN_PARTS)
        stack = self.stack
        return Configuration(stack.fleet.inventory, own, templates, stack.signers, lambda: stack.origin)

    def _target(
        self, release: str | NoRelease, artefact: Release | None, templates: Templates | None, observed: Observation
    ) -> Target:
        configuration = self._configuration(templates)
        return Target(
            release=release,
            artefact=artefact,
            files={host.name: configuration.files_of(host) for host in observed.inventory.hosts},
            base_files=configuration.base_files(),
            kept=tuple(reversed(observed.log.releases)),
            released=templates,
        )
