"""The publication bucket: reading and writing what is in it; what goes wrong is a sentence."""

import base64
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.bridge.errors import OperatorError
from infra.bridge.files import writing_whole
from infra.bridge.inventory import Publication
from roles.aws.clients import AwsRefusedError, client, explained

REMOVED_AT_ONCE = 1000
"""Of one request: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html."""

MISSING = frozenset({"404", "NoSuchKey"})
CONFLICT = frozenset({"412", "PreconditionFailed", "409", "ConditionalRequestConflict"})
"""What S3 answers when an object isn't what the writer saw:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html."""


class ConflictError(OperatorError):
    """Somebody else has written the object since it was read."""


@dataclass(frozen=True)
class KeptObject:
    """An object: what is in it, and which version of it was seen."""

    body: bytes
    etag: str


@dataclass(frozen=True)
class Bucket:
    """The bucket of a stack.

    Args:
        publication: Its name and region.
    """

    publication: Publication

    def read(self, key: str) -> KeptObject | None:
        """An object; None if there is none.

        Raises:
            OperatorError: S3 refuses, or doesn't answer.
        """
        step = f"reading {key}"
        answer = self._found(step, self._s3.get_object, key)
        if answer is None:
            return None
        with self._explained(step):
            return KeptObject(answer["Body"].read(), str(answer["ETag"]))

    def write(
        self, key: str, body: bytes, *, content_type: str, cache_control: str | None = None, seen: str | None
    ) -> str:
        """Write an object, if it is still as it was seen.

        Args:
            key: Its key.
            body: What is to be in it.
            content_type: Its Content-Type.
            cache_control: Its Cache-Control.
            seen: The ETag that it had; None if there was no such object.

        Returns:
            Its ETag.

        Raises:
            ConflictError: Somebody else has written it in the meantime.
            OperatorError: S3 refuses, or doesn't answer.
        """
        condition = {"IfMatch": seen} if seen else {"IfNoneMatch": "*"}
        return self._put(key, body, content_type, cache_control, condition)

    def overwrite(self, key: str, body: bytes, *, content_type: str, cache_control: str | None = None) -> str:
        """Write an object, whatever it is now.

        Returns:
            Its ETag.

        Raises:
            OperatorError: S3 refuses, or doesn't answer.
        """
        return self._put(key, body, content_type, cache_control, {})

    def sha256_of(self, key: str) -> str | None:
        """The sha256 of a file that `put_file` wrote; empty if something else did, None if there is no such object.

        Raises:
            OperatorError: S3 refuses, or doesn't answer.
        """
        answer = self._found(f"looking at {key}", self._s3.head_object, key, ChecksumMode="ENABLED")
        return base64.b64decode(answer.get("ChecksumSHA256", "")).hex() if answer else None

    def put_file(
        self,
        key: str,
        path: Path,
        sha256: str,
        *,
        content_type: str = "application/octet-stream",
        cache_control: str | None = None,
    ) -> None:
        """Write a file; S3 takes it only if it arrives with this sha256.

        Raises:
            OperatorError: S3 refuses, or doesn't answer.
        """
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        caching = {"CacheControl": cache_control} if cache_control else {}
        with self._explained(f"writing {key}"), path.open("rb") as file:
            self._s3.put_object(
                Bucket=self.publication.bucket,
                Key=key,
                Body=file,
                ContentType=content_type,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=checksum,
                **caching,
            )

    def fetch(self, key: str, path: Path) -> bool:
        """Write an object into a file; whether there is such an object.

        Raises:
            OperatorError: S3 refuses, or doesn't answer.
        """
        step = f"fetching {key}"
        answer = self._found(step, self._s3.get_object, key)
        if answer is None:
            return False
        with self._explained(step), writing_whole(path) as file:
            shutil.copyfileobj(answer["Body"], file)
        return True

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects; fine if they are gone. Their versions stay.

        Raises:
            OperatorError: S3 refuses, or doesn't answer.
        """
        for first in range(0, len(keys), REMOVED_AT_ONCE):
            listed = [{"Key": key} for key in keys[first : first + REMOVED_AT_ONCE]]
            with self._explained(f"removing {len(listed)} objects"):
                answer = self._s3.delete_objects(
                    Bucket=self.publication.bucket,
                    Delete={"Objects": listed, "Quiet": True},
                    ChecksumAlgorithm="SHA256",
                )
            errors: list[Mapping[str, str]] = answer.get("Errors", [])
            if errors:
                raise OperatorError(
                    f"removing {errors[0]['Key']} from {self.publication.bucket}: {errors[0]['Code']}: "
                    f"{errors[0].get('Message', '')}"
                )

    def keys(self, prefix: str) -> list[str]:
        """The keys below a prefix.

        Raises:
            OperatorError: S3 refuses, or doesn't answer.
        """
        with self._explained(f"listing {prefix}"):
            pages: Iterable[Mapping[str, Any]] = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.publication.bucket, Prefix=prefix
            )
            return [str(each["Key"]) for page in pages for each in page.get("Contents", [])]

    def _found(
        self, step: str, ask: Callable[..., Mapping[str, Any]], key: str, **more: str
    ) -> Mapping[str, Any] | None:
        """What S3 answers about an object; None if there is none."""
        try:
            with self._explained(step):
                return ask(Bucket=self.publication.bucket, Key=key, **more)
        except AwsRefusedError as error:
            if error.code in MISSING:
                return None
            raise

    def _put(
        self, key: str, body: bytes, content_type: str, cache_control: str | None, condition: Mapping[str, str]
    ) -> str:
        caching = {"CacheControl": cache_control} if cache_control else {}
        try:
            with self._explained(f"writing {key}"):
                answer = self._s3.put_object(
                    Bucket=self.publication.bucket, Key=key, Body=body, ContentType=content_type, **caching, **condition
                )
        except AwsRefusedError as error:
            if error.code in CONFLICT:
                raise ConflictError(f"{key} was changed by somebody else in the meantime") from error
            raise
        return str(answer["ETag"])

    def _explained(self, step: str) -> Any:  # noqa: ANN401  # contextlib's own type is private
        return explained(f"{step} in the bucket {self.publication.bucket}", self.publication.region)

    @property
    def _s3(self) -> Any:  # noqa: ANN401  # boto3 makes its clients' types at run time
        return client("s3", self.publication.region)
