"""The one error type that operators see."""

MESSAGE_WAS_SHOWN = 32
"""The exit code that tells Pulumi's language host that there is nothing to add (pulumi-language-python-exec)."""


class OperatorError(Exception):
    """Something the operator can act on: one sentence, the next command, an exit code; never a traceback.

    Args:
        message: One sentence that names the host and the step where there is one, and the state left behind.
        next_command: What to type next, if there is something to type.
        exit_code: The exit code of the process (1 to 255).
    """

    def __init__(self, message: str, *, next_command: str | None = None, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.next_command = next_command
        self.exit_code = exit_code

    def __str__(self) -> str:
        """What the engine shows of it, when a resource's provider raises it."""
        return self.report().removeprefix("error: ")

    def report(self) -> str:
        """The lines for the terminal."""
        lines = [f"error: {self.message}"]
        if self.next_command:
            lines.append(f"next: {self.next_command}")
        return "\n".join(lines)
