"""URIs as users write them: their parts, and what of them may be shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

WHOLE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?]*)(.*)", re.DOTALL)
# only what reads like settings is a query: a key of a bucket may hold question marks
QUERY = re.compile(r"\?[A-Za-z][\w.-]*=[^?]*$")
SECRET = re.compile(r"(?i)([?&][^=&]*(?:key|secret|token|sig|signature|password|credential)[^=&]*=)([^&#]+)")
# here a user alone is no secret: it is the container, or a name without a password
USERS = ("abfs", "abfss", "hdfs", "viewfs")
HIDDEN = "***"
SHORTEST = 4


class Place(str):
    """A URI that holds credentials: the text is what may be shown of it, `uri` the whole."""

    uri: str

    def __new__(cls, shown: str, uri: str) -> Place:
        """The shown text with the whole beside it."""
        place = super().__new__(cls, shown)
        place.uri = uri
        return place

    def __reduce__(self) -> tuple[type[Place], tuple[str, str]]:
        return Place, (str(self), self.uri)

    def __eq__(self, other: object) -> bool:
        """Two that look alike may lie behind different credentials."""
        return self.uri == other.uri if isinstance(other, Place) else str.__eq__(self, other)

    __hash__ = str.__hash__


class Address(NamedTuple):
    """A URI's parts; `query` with its question mark, `key` without the slash before it."""

    scheme: str
    authority: str
    key: str
    query: str

    @property
    def bare(self) -> str:
        """The authority without user and password."""
        return self.authority.rpartition("@")[2]

    @property
    def user(self) -> str:
        """User and password, as they stand there."""
        return self.authority.rpartition("@")[0]

    def at(self, key: str) -> str:
        """The URI of another key of the same place."""
        return f"{self.scheme}://{self.authority}/{key}{self.query}"


def address(path: str) -> Address:
    """The parts of a URI. The key is taken as it stands: what is percent-encoded in it is part of the name."""
    match = WHOLE.fullmatch(whole(path))
    if match is None:
        return Address("", "", path, "")
    query = QUERY.search(match[3])
    key = match[3][: query.start()] if query else match[3]
    return Address(match[1].lower(), match[2], key.removeprefix("/"), query[0] if query else "")


def whole(path: str) -> str:
    """The URI with its credentials."""
    return path.uri if isinstance(path, Place) else path


def shown(uri: str) -> str:
    """The URI as it may be shown; it is a `Place` where that hides something."""
    parts = address(uri)
    text = uri
    if _secret_user(parts):
        kept = f"{parts.user.partition(':')[0]}:{HIDDEN}" if parts.scheme in USERS else HIDDEN
        text = text.replace(f"://{parts.authority}", f"://{kept}@{parts.bare}", 1)
    text = SECRET.sub(rf"\1{HIDDEN}", text)
    return uri if text == uri else Place(text, uri)


def without_secrets(text: str, path: str) -> str:
    """A library's words without the credentials of the URI that they are about."""
    uri = whole(path)
    text = text.replace(uri, str(shown(uri)))
    for secret in sorted(_secrets(uri), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _secrets(uri: str) -> Iterator[str]:
    parts = address(uri)
    found = [match[2] for match in SECRET.finditer(uri)]
    if _secret_user(parts):
        user, _, password = parts.user.partition(":")
        yield f"{parts.user}@"
        found += [password] if parts.scheme in USERS else [user, password]
    for secret in found:
        # a shorter one would be found in any word
        if len(secret) >= SHORTEST:
            yield from (secret, unquote(secret))


def _secret_user(parts: Address) -> bool:
    return parts.user not in ("", "anonymous") and (":" in parts.user or parts.scheme not in USERS)
