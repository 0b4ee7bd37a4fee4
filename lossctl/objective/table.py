"""A table of a TOML file, taken key by key: what is left over is an error with the nearest name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lossctl.errors import UsageError, nearest

MISSING: Any = object()


class Table:
    """The keys of a table; `where` is what errors call it."""

    def __init__(self, raw: Mapping[str, Any], where: str) -> None:
        self.raw, self.where = raw, where
        self.known: set[str] = set()

    def refusal(self, text: str) -> UsageError:
        """An error about this table."""
        return UsageError(f"{self.where}: {text}")

    def has(self, key: str) -> bool:
        """Whether a key is given."""
        self.known.add(key)
        return key in self.raw

    def text(self, key: str, default: Any = MISSING) -> Any:
        """A text."""
        return self._typed(key, str, "a text", default)

    def number(self, key: str, default: Any = MISSING) -> Any:
        """A finite number, as a float."""
        value = self._typed(key, (int, float), "a number", default)
        if not isinstance(value, int | float):
            return value
        if isinstance(value, bool) or not abs(value) < float("inf"):
            raise self.refusal(f"{key} must be a finite number, got {value}")
        return float(value)

    def integer(self, key: str) -> Any:
        """A whole number, or None where it is not given."""
        value = self._typed(key, int, "a whole number", None)
        if isinstance(value, bool):
            raise self.refusal(f"{key} must be a whole number, got {str(value).lower()}")
        return value

    def flag(self, key: str) -> Any:
        """True or false, or None where it is not given."""
        return self._typed(key, bool, "true or false", None)

    def texts(self, key: str, default: Any = MISSING) -> Any:
        """A text or a list of texts, as a tuple."""
        value = self._typed(key, (str, list), "a text or a list of texts", default)
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list):
            self._refuse_other(key, value, str, "texts")
            return tuple(value)
        return value

    def selector(self, key: str) -> Any:
        """A column, a glob or a comma list as a text, several names as a tuple; None where it is not given."""
        value = self.texts(key, None)
        return value if not isinstance(self.raw.get(key), str) else self.raw[key]

    def word(self, key: str, words: tuple[str, ...], default: Any = MISSING) -> Any:
        """One of some words."""
        value = self.text(key, default)
        if key in self.raw and value not in words:
            raise self.refusal(f"{key} must be one of {', '.join(words)}, got {value!r}{nearest(value, words)}")
        return value

    def table(self, key: str) -> Table:
        """A table in this one; an empty one where it is not given."""
        return Table(self._typed(key, dict, "a table", {}), f"{self.where}, [{key}]")

    def tables(self, key: str) -> list[Table]:
        """The tables of a list such as [[terms]]."""
        entries = self._typed(key, list, f"a list of tables, each headed [[{key}]]", [])
        self._refuse_other(key, entries, dict, f"tables, each headed [[{key}]]")
        return [Table(entry, f"{self.where}, [[{key}]] {i}{_named(entry)}") for i, entry in enumerate(entries, 1)]

    def close(self) -> None:
        """Refuse the keys that nobody took.

        Raises:
            UsageError: with the nearest of the known ones.
        """
        for key in self.raw:
            if key not in self.known:
                known = sorted(self.known)
                hint = nearest(key, known) or f"; it takes {', '.join(known)}"
                raise self.refusal(f"unknown key {key!r}{hint}")

    def _typed(self, key: str, kind: Any, expected: str, default: Any) -> Any:
        self.known.add(key)
        if key not in self.raw:
            if default is MISSING:
                raise self.refusal(f"{key} is missing; expected {expected}")
            return default
        value = self.raw[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.refusal(f"{key} must be {expected}, got {value!r}")
        return value

    def _refuse_other(self, key: str, entries: list[Any], kind: type, expected: str) -> None:
        for entry in entries:
            if not isinstance(entry, kind):
                raise self.refusal(f"{key} must hold {expected}, got {entry!r}")


def _named(entry: Mapping[str, Any]) -> str:
    """How a list's table is told from its neighbours."""
    name = next((entry[key] for key in ("name", "loss", "kind") if isinstance(entry.get(key), str)), None)
    return "" if name is None else f" ({name})"
