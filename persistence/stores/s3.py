"""A store in a bucket of S3, or of anything that speaks it and has conditional writes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from errors import ConfigError, Conflict, DependencyError, KeyMissing, StoreUnavailable
from persistence.stores.store import ABSENT, ANY, Expected, Stored, check_key

try:
    import obstore
    from obstore import exceptions
    from obstore import store as object_stores
except ImportError as error:
    raise DependencyError(
        "an S3 store needs obstore: pip install -r requirements-s3.txt"
    ) from error

if TYPE_CHECKING:
    from obstore import PutMode

# A store that is cut off must be known to be so within seconds.
CLIENT: Any = {"connect_timeout": "5s", "timeout": "120s"}
RETRIES: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}


class S3Store:
    """A store at `s3://bucket/prefix`; a tag is the object's ETag.

    `options` are `endpoint`, `region`, `access_key_id`, `secret_access_key` and
    the like; what is not given is found as every S3 client finds it. Swaps are
    If-Match and If-None-Match: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """

    def __init__(self, url: str, options: Mapping[str, str]) -> None:
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        if not bucket:
            raise ConfigError("the address of an S3 store is s3://bucket or s3://bucket/prefix")
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self._options = {name: value for name, value in options.items() if value}
        with self._store_errors("its settings"):
            self._connected = self._connect()

    def get(self, key: str) -> Stored:
        """Return what a key holds; raises KeyMissing."""
        check_key(key)
        try:
            with self._store_errors("a read"):
                found = obstore.get(self._client(), key)
                return Stored(bytes(found.bytes()), found.meta["e_tag"] or "")
        except FileNotFoundError:
            raise KeyMissing(f"the store holds no {key}") from None

    def put(self, key: str, data: bytes, expected: Expected | str = ANY) -> str:
        """Keep the bytes under the key and return their tag; raises Conflict."""
        check_key(key)
        conflict = Conflict(f"{key} is not what was expected: somebody else was first")
        try:
            with self._store_errors("a write"):
                # In one piece: an upload in parts cannot be conditional.
                mode = _mode(expected)
                put = obstore.put(self._client(), key, data, mode=mode, use_multipart=False)
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
            raise conflict from None
        except FileNotFoundError:
            # Of the object to be replaced, or else of the whole bucket.
            raise (conflict if isinstance(expected, str) else self._no_bucket()) from None
        return put["e_tag"] or ""

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Return the size in bytes of every key that starts with the prefix, keys sorted."""
        # The client's prefix is whole segments only.
        folder = prefix.rpartition("/")[0]
        with self._store_errors("a listing"):
            pages = obstore.list(self._client(), folder or None)
            found = {meta["path"]: meta["size"] for page in pages for meta in page}
        return {key: found[key] for key in sorted(found) if key.startswith(prefix)}

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that start with the prefix, sorted."""
        return [*self.sizes(prefix)]

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error."""
        check_key(key)
        with suppress(FileNotFoundError), self._store_errors("a deletion"):
            obstore.delete(self._client(), key)

    def _no_bucket(self) -> StoreUnavailable:
        return StoreUnavailable(f"the model store s3://{self._bucket}: there is no such bucket")

    def _client(self) -> object_stores.S3Store:
        _check_not_forked()
        return self._connected

    def _connect(self) -> object_stores.S3Store:
        return connect(self._bucket, self._prefix, self._options)

    @contextmanager
    def _store_errors(self, what: str) -> Iterator[None]:
        # Not chained: the client's text has the whole request and answer in it.
        try:
            yield
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
            raise
        except exceptions.UnknownConfigurationKeyError:
            raise ConfigError("the S3 store was given an option that it does not know") from None
        except (exceptions.BaseError, ValueError, PermissionError) as error:
            reason = _REASONS.get(type(error), "it cannot be reached, or refused")
            raise StoreUnavailable(
                f"the model store s3://{self._bucket}: {what}: {reason}"
            ) from None


def connect(bucket: str, prefix: str, options: Mapping[str, str]) -> object_stores.S3Store:
    """Return the client of a bucket; nothing is asked of it yet."""
    given = {name: value for name, value in options.items() if value}
    plain = given.get("endpoint", "").startswith("http://")
    config: Any = {**given, "conditional_put": "etag"}
    client: Any = {**CLIENT, "allow_http": plain}
    return object_stores.S3Store(
        bucket, prefix=prefix or None, config=config, client_options=client, retry_config=RETRIES
    )


_REASONS: Mapping[type[BaseException], str] = {
    exceptions.PermissionDeniedError: "the credentials may not do that",
    PermissionError: "the credentials may not do that",
    exceptions.UnauthenticatedError: "the credentials are missing or wrong",
    exceptions.NotSupportedError: "it does not support conditional writes",
    ValueError: "a setting cannot be used",
}


# The process that first used the client. Its threads do not survive a fork, and
# a child that waits for them would wait for ever: better to say so.
_first_used_by: list[int] = []


def _check_not_forked() -> None:
    if not _first_used_by:
        _first_used_by.append(os.getpid())
    if _first_used_by[0] != os.getpid():
        raise StoreUnavailable(
            "the S3 client was used before this process was forked, and does not survive that: "
            "start the process anew instead"
        )


def _mode(expected: Expected | str) -> PutMode:
    if expected is ANY:
        return "overwrite"
    if expected is ABSENT:
        return "create"
    return {"e_tag": str(expected)}
