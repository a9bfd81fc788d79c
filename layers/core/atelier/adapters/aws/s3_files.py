"""The Files bucket."""

import tempfile
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from atelier.adapters.aws.clients import translated
from atelier.errors import NotFoundError, UnavailableError
from atelier.images.image import sniff
from atelier.images.ports import UploadForm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mypy_boto3_s3 import S3Client


LINK_SECONDS = 300
PIECE_BYTES = 768 * 1024
HEAD_BYTES = 32
"""The bytes that show an image's type."""
_MISSING = ("404", "403", "NoSuchKey", "AccessDenied")
"""S3 answers 403 for a missing object to callers that may not list the bucket."""


class S3Files:
    """The Files port, and links to what is stored, on a client that is made at the first call."""

    def __init__(self, client: "Callable[[], S3Client]", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object; its key is unguessable and its content never changes, so it may be cached for good."""
        with translated("The bucket"):
            self._client().put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,
                ContentType=content_type,
                CacheControl="public, max-age=31536000, immutable",
            )

    def get(self, key: str) -> bytes:
        """Read an object; NotFoundError where there is none."""
        with translated("The bucket"):
            try:
                return self._client().get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except ClientError as exc:
                if exc.response["Error"]["Code"] in _MISSING:
                    raise NotFoundError(f"There is no file '{key}' any more.") from exc
                raise

    def read(self, key: str) -> "Iterator[bytes]":
        """Read an object in pieces; NotFoundError where there is none."""
        with translated("The bucket"):
            try:
                content = self._client().get_object(Bucket=self._bucket, Key=key)["Body"]
            except ClientError as exc:
                if exc.response["Error"]["Code"] in _MISSING:
                    raise NotFoundError(f"There is no file '{key}' any more.") from exc
                raise
            yield from content.iter_chunks(PIECE_BYTES)

    def picture(self, key: str, max_bytes: int) -> tuple[str, bytes | None]:
        """Read a picture's type, by its own bytes, and those, None where they are more; NotFoundError without one."""
        content = b""
        for piece in self.read(key):
            content += piece
            if len(content) > max_bytes:
                return "", None
        kind = sniff(content)
        if kind is None:
            raise NotFoundError(f"There is no file '{key}' any more.")
        return kind, content

    def put_answer(self, key: str, pieces: "Iterable[bytes]", content_type: str) -> str:
        """Store an answer that is too large for Lambda, by way of the disk, and return a presigned URL of it."""
        with tempfile.TemporaryFile() as file:
            file.writelines(pieces)
            file.seek(0)
            with translated("The bucket"):
                self._client().put_object(
                    Bucket=self._bucket, Key=key, Body=file, ContentType=content_type, CacheControl="no-store"
                )
        return self._link(key)

    def delete_all(self, prefix: str) -> None:
        """Delete all objects whose keys begin with `prefix`; there may be none."""
        with translated("The bucket"):
            found = self._client().list_objects_v2(Bucket=self._bucket, Prefix=prefix).get("Contents", [])
            if found:
                answer = self._client().delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": item["Key"]} for item in found], "Quiet": True}
                )
                if answer.get("Errors"):
                    raise UnavailableError("Not all files could be deleted; try again.")

    def origin(self) -> str:
        """Name the scheme and host that links lead to."""
        url = urlsplit(self._link("any"))
        return f"{url.scheme}://{url.netloc}"

    def link(self, key: str) -> str | None:
        """Make a presigned URL that answers a picture for five minutes; None where there is none.

        Its type is read from its own bytes, not from its uploader's headers.
        """
        with translated("The bucket"):
            try:
                head = self._client().get_object(Bucket=self._bucket, Key=key, Range=f"bytes=0-{HEAD_BYTES - 1}")
            except ClientError as exc:
                if exc.response["Error"]["Code"] in _MISSING:
                    return None
                raise
            kind = sniff(head["Body"].read())
            return None if kind is None else self._link(key, ResponseContentType=kind)

    def form(self, key: str, content_type: str, size: int, *, seconds: int) -> UploadForm:
        """Make a form by which its holder may store one object, of this type and size, for so long."""
        with translated("The bucket"):
            made = self._client().generate_presigned_post(
                Bucket=self._bucket,
                Key=key,
                Fields={"Content-Type": content_type},
                Conditions=[{"Content-Type": content_type}, ["content-length-range", size, size]],
                ExpiresIn=seconds,
            )
        return UploadForm(made["url"], made["fields"])

    def _link(self, key: str, **answer: str) -> str:
        return self._client().generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key, **answer}, ExpiresIn=LINK_SECONDS
        )
