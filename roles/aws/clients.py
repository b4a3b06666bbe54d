"""Asking AWS: what goes wrong is a sentence.

boto3 is imported when AWS is asked for the first time, and nowhere else: it costs a third of a second, and most stacks
have nothing there.
"""

import functools
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

from infra.bridge.errors import OperatorError

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 5, 10, 3
CONNECTIONS = 32
"""To a service at the same time, all threads together."""

_making = threading.Lock()


class AwsRefusedError(OperatorError):
    """AWS refuses.

    Args:
        message: What was being done, and what it says.
        code: What it calls the reason, such as `NoSuchKey`.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, next_command="aws sts get-caller-identity")
        self.code = code


def client(service: str, region: str) -> Any:  # noqa: ANN401  # boto3 makes its clients' types at run time
    """A client, shared by all threads."""
    with _making:  # making one is not safe between threads, using one is
        return _client(service, region)


def forget() -> None:
    """Make all clients anew: where AWS answers, or who asks, has changed."""
    _client.cache_clear()
    _session.cache_clear()


@functools.cache
def _session() -> Any:  # noqa: ANN401
    import boto3  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]  # it has none

    return cast("Any", boto3).session.Session()


@functools.cache
def _client(service: str, region: str) -> Any:  # noqa: ANN401
    from botocore.config import Config  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=CONNECTIONS,
        retries={"max_attempts": ATTEMPTS, "mode": "standard"},
    )
    return _session().client(service, region_name=region, config=config)


@contextmanager
def explained(step: str, region: str) -> Generator[None, None, None]:
    """Turn what boto3 raises into a sentence.

    Args:
        step: What is being done.
        region: Where.

    Raises:
        AwsRefusedError: AWS refuses.
        OperatorError: It doesn't answer.
    """
    from botocore.exceptions import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]
        BotoCoreError,
        ClientError,
        NoCredentialsError,
    )

    try:
        yield
    except NoCredentialsError as error:
        raise OperatorError(
            f"{step} in {region}: no AWS credentials are set here", next_command="aws sso login, or export AWS_PROFILE"
        ) from error
    except ClientError as error:
        response = cast("dict[str, dict[str, str]]", error.response)  # pyright: ignore[reportUnknownMemberType]
        said = response.get("Error", {})
        words = f"{said.get('Code', 'no code')}: {said.get('Message', 'no message')}"
        raise AwsRefusedError(f"{step} in {region}: {words}", said.get("Code", "")) from error
    except BotoCoreError as error:
        words = " ".join(str(error).split())
        raise OperatorError(
            f"{step} in {region}: {words}", next_command=f"aws --region {region} sts get-caller-identity"
        ) from error
