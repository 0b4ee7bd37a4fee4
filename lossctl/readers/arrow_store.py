"""S3, Google Cloud Storage, HDFS and Azure through Arrow's file systems.

Credentials, region and endpoint are what Arrow finds in the URI, or by itself where these services' own tools look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lossctl.errors import DataError
from lossctl.readers.files import Facts
from lossctl.readers.reasons import ATTEMPTS
from lossctl.readers.remote import BLOCK, Found
from lossctl.readers.uri import Address

if TYPE_CHECKING:
    import pyarrow as pa

# seconds; three attempts of these stay below twenty
PATIENCE = 5.0
# seconds that Google's client goes on trying
GOOGLE_PATIENCE = 8


class ArrowStore:
    """One bucket, container or cluster.

    Raises:
        DataError: a URI that names none.
    """

    def __init__(self, place: Address) -> None:
        if not place.bare and place.scheme not in ("hdfs", "viewfs"):
            raise DataError(f"{place.at('')} names no bucket, expected {place.scheme}://BUCKET/KEY")
        self.scheme = place.scheme
        self._files, self._prefix = _opened(place)

    def found(self, key: str) -> Found:
        """What lies at a key."""
        from pyarrow.fs import FileType

        info = self._files.get_file_info(self._path(key))
        if info.type == FileType.NotFound:
            self._refuse_bucket()
            raise FileNotFoundError(key)
        if info.type == FileType.Directory:
            return Found(True)
        return Found(False, Facts(info.size, info.mtime_ns or 0))

    def random_access(self, key: str) -> pa.NativeFile:
        """The file, each read a request."""
        return self._files.open_input_file(self._path(key))

    def sequential(self, key: str) -> pa.NativeFile:
        """The file from its start; it is not unpacked."""
        return self._files.open_input_stream(self._path(key), compression=None, buffer_size=BLOCK)

    def files(self, key: str) -> list[str]:
        """The keys of all files below one."""
        from pyarrow.fs import FileSelector, FileType

        found = self._files.get_file_info(FileSelector(self._path(key), recursive=True))
        return [info.path.removeprefix(self._prefix) for info in found if info.type == FileType.File]

    def _path(self, key: str) -> str:
        return (self._prefix + key).rstrip("/") or "/"

    def _refuse_bucket(self) -> None:
        from pyarrow.fs import FileType

        bucket = self._prefix.rstrip("/")
        if bucket and self._files.get_file_info(bucket).type == FileType.NotFound:
            raise DataError(f"{self.scheme}://{bucket}: no such bucket")


def _opened(place: Address) -> tuple[Any, str]:
    """The file system, and what goes before a key in it."""
    from pyarrow.fs import FileSystem

    user = "" if place.scheme in ("s3", "s3a") and place.user == "anonymous" else place.user
    authority = f"{user}@{place.bare}" if user else place.bare
    query = place.query
    if place.scheme in ("gs", "gcs") and "retry_limit_seconds" not in query:
        query += f"{'&' if query else '?'}retry_limit_seconds={GOOGLE_PATIENCE}"
    scheme = {"s3a": "s3"}.get(place.scheme, place.scheme)
    files, path = FileSystem.from_uri(f"{scheme}://{authority}/x{query}")
    if scheme == "s3":
        files = _patient(files, place.user == "anonymous")
    return files, path.removesuffix("x")


def _patient(files: Any, anonymous: bool) -> Any:
    """The same S3 with limits to its patience, which a URI cannot set: made anew of what pickles."""
    from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

    make, (options,) = files.__reduce__()
    del make
    plain = {name: value for name, value in options.items() if value not in ("", None) and name != "proxy_options"}
    plain |= {"anonymous": True} if anonymous else {}
    plain |= {"connect_timeout": PATIENCE, "request_timeout": PATIENCE}
    return S3FileSystem(**plain, retry_strategy=AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS))
