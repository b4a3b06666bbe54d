"""Asking AWS: what goes wrong is a sentence."""

import functools
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]  # it has none
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    BotoCoreError,
    ClientError,
    NoCredentialsError,
)

from infra.bridge.errors import OperatorError

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 5, 10, 3
CONNECTIONS = 32
"""To a service at the same time, all threads together."""

_making = threading.Lock()


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
    return cast("Any", boto3).session.Session()


@functools.cache
def _client(service: str, region: str) -> Any:  # noqa: ANN401
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
        OperatorError: AWS refuses, or doesn't answer.
    """
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
        raise OperatorError(f"{step} in {region}: {words}", next_command="aws sts get-caller-identity") from error
    except BotoCoreError as error:
        words = " ".join(str(error).split())
        raise OperatorError(
            f"{step} in {region}: {words}", next_command=f"aws --region {region} sts get-caller-identity"
        ) from error
