"""Records in a file, and back: a zip of one JSON tree and of arrays as .npy, in which nothing can be run.

The same record gives the same bytes. Whatever the tree holds besides JSON's own values stands in an object with one
key, which tells what it is: "int" (in hexadecimal, of any size), "float" (not finite), "tuple", "dict" (pairs),
"set", "bytes", "array" (a member's name), "loss", or "of" with the name of a record that the registry knows.
"""

from __future__ import annotations

import importlib
import io
import json
import math
import zipfile
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import IO, Any, cast

from lossctl.catalogue.registry import find
from lossctl.catalogue.spec import BoundLoss
from lossctl.readers.npy import half_of_memory

# the records that a file may hold, and the module of each; one that is added here can be saved
RECORDS = {
    "Saved": "lossctl.evaluation.saved",
    "Recorded": "lossctl.evaluation.recorded",
    "Request": "lossctl.evaluation.request",
    "Job": "lossctl.evaluation.request",
    "Settled": "lossctl.evaluation.settled",
    **dict.fromkeys(("LabelMap", "Listed", "Note", "Shape"), "lossctl.evaluation.shape"),
    "ReadSettings": "lossctl.readers.places",
    **dict.fromkeys(("Partial", "Look", "Offence", "Dropped"), "lossctl.evaluation.partial"),
    "LossPartial": "lossctl.audit.moments",
    "Digest": "lossctl.audit.digest",
    "Audit": "lossctl.audit.asked",
    **dict.fromkeys(("By", "Part"), "lossctl.evaluation.by"),
    "GroupMoments": "lossctl.audit.groupmoments",
    "KeyedMoments": "lossctl.audit.keyed",
    "SpreadPart": "lossctl.audit.spread",
    "Counted": "lossctl.audit.counting",
    "Replicates": "lossctl.audit.replicates",
    "Binned": "lossctl.audit.calibration",
    **dict.fromkeys(("Distinct", "Run"), "lossctl.audit.distinct"),
    **dict.fromkeys(("Change", "ClipPart", "ClipParts"), "lossctl.evaluation.clip"),
    **dict.fromkeys(("SlicePart", "SliceParts"), "lossctl.evaluation.slices"),
    "ClusterSums": "lossctl.evaluation.clustered",
    "Distributions": "lossctl.evaluation.distribution",
    "Resampled": "lossctl.evaluation.resampled",
    "Parts": "lossctl.evaluation.calibrating",
}
TREE = "tree.json"
# the earliest moment that a zip can tell
MOMENT = (1980, 1, 1, 0, 0, 0)
# whole numbers up to here are JSON's own; larger ones are written in hexadecimal
PLAIN = 1 << 53
# numbers, truth values and texts of a fixed width
KINDS = "biufUS"


class CodecError(ValueError):
    """A file that holds no such record, or a value that cannot be saved."""


def packed(record: Any) -> bytes:
    """A record as the bytes of a file.

    Raises:
        CodecError: it holds something that has no place in one.
    """
    arrays: dict[str, bytes] = {}
    tree = _Writing(arrays).tree(record)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        text = json.dumps(tree, separators=(",", ":"), allow_nan=False)
        for name, data in sorted({TREE: text.encode(), **arrays}.items()):
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(entry, data)
    return out.getvalue()


def unpacked(file: IO[bytes]) -> Any:
    """The record of a file.

    Raises:
        CodecError: the file is damaged, or holds none.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            reading = _Reading(archive)
            return reading.value(json.loads(reading.member(TREE)))
    except CodecError:
        raise
    except KeyError as error:
        raise CodecError(f"it has no {error.args[0]}" if error.args else "it lacks something") from error
    except Exception as error:
        # a damaged file can fail in any way that zip, JSON and numpy know
        raise CodecError((str(error) or type(error).__name__).splitlines()[0]) from error


class _Writing:
    def __init__(self, arrays: dict[str, bytes]) -> None:
        self.arrays = arrays

    def tree(self, value: Any) -> Any:
        """A value as the tree has it."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str | int | float):
            return _scalar(value)
        if isinstance(value, BoundLoss):
            return {"loss": value.loss.name, "values": [self.tree(entry) for entry in value.values]}
        if type(value).__name__ in RECORDS and _record(type(value).__name__) is type(value):
            said = {name: self.tree(getattr(value, name)) for name in _fields(type(value))}
            return {"of": type(value).__name__, "fields": said}
        if isinstance(value, Mapping):
            return {"dict": [[self.tree(name), self.tree(entry)] for name, entry in value.items()]}
        if type(value) in (list, tuple):
            entries = [self.tree(entry) for entry in value]
            return entries if isinstance(value, list) else {"tuple": entries}
        if isinstance(value, set | frozenset):
            return {"set": sorted((self.tree(entry) for entry in value), key=json.dumps)}
        if isinstance(value, bytes):
            return {"bytes": value.hex()}
        return self._array(value)

    def _array(self, value: Any) -> Any:
        import numpy as np

        if isinstance(value, np.generic):
            return self.tree(value.item())
        if not isinstance(value, np.ndarray) or value.dtype.kind not in KINDS:
            raise CodecError(f"{type(value).__name__} has no form in a file")
        out = io.BytesIO()
        np.save(out, np.ascontiguousarray(value), allow_pickle=False)
        name = f"{len(self.arrays):06}.npy"
        self.arrays[name] = out.getvalue()
        return {"array": name}


def _scalar(value: Any) -> Any:
    if isinstance(value, int):
        return int(value) if abs(value) < PLAIN else {"int": hex(value)}
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": repr(float(value))}
    return str(value)


class _Reading:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive

    def member(self, name: str) -> bytes:
        """A file of the zip."""
        claimed = self.archive.getinfo(name).file_size
        if claimed > half_of_memory():
            raise CodecError(f"its {name} claims {claimed:,} bytes, over half of this machine's memory")
        return self.archive.read(name)

    def value(self, tree: Any) -> Any:
        """The value that a tree stands for."""
        if isinstance(tree, list):
            return [self.value(entry) for entry in tree]
        if not isinstance(tree, dict):
            return tree
        kind, held = cast("tuple[str, Any]", next(iter(tree.items()), ("", None)))
        if kind == "of":
            return self._record(held, tree["fields"])
        if kind == "loss":
            return _bound(held, tuple(self.value(entry) for entry in tree["values"]))
        if kind == "dict":
            return {self.value(name): self.value(entry) for name, entry in held}
        simple: dict[str, Callable[[Any], Any]] = {"tuple": self._tuple, "set": self._set, "array": self._array}
        simple |= {"int": partial(int, base=16), "float": float, "bytes": bytes.fromhex}
        if kind not in simple:
            raise CodecError(f"it holds {kind!r}, which this lossctl does not know")
        return simple[kind](held)

    def _tuple(self, held: Any) -> tuple[Any, ...]:
        return tuple(self.value(entry) for entry in held)

    def _set(self, held: Any) -> frozenset[Any]:
        return frozenset(self._tuple(held))

    def _record(self, name: str, said: dict[str, Any]) -> Any:
        if name not in RECORDS:
            raise CodecError(f"it holds {name!r}, which this lossctl does not know")
        kind = _record(name)
        unknown = next((field for field in said if field not in _fields(kind)), None)
        if unknown is not None:
            raise CodecError(f"its {name} has {unknown!r}, which this lossctl does not know")
        return kind(**{field: self.value(entry) for field, entry in said.items()})

    def _array(self, name: str) -> Any:
        import numpy as np

        data = io.BytesIO(self.member(name))
        # one of the format's versions, all of which numpy writes for such arrays
        np.lib.format.read_magic(data)
        shape, by_column, dtype = np.lib.format.read_array_header_1_0(data)
        rest = data.getbuffer()[data.tell() :]
        if dtype.kind not in KINDS or by_column or len(rest) != dtype.itemsize * math.prod(shape):
            raise CodecError(f"its {name} is damaged")
        # a copy of its own can be written to
        return np.frombuffer(rest, dtype).reshape(shape).copy()


def _bound(name: str, values: tuple[Any, ...]) -> BoundLoss:
    loss = find(name)
    if len(values) != len(loss.options):
        raise CodecError(f"its {name} has {len(values)} options, this lossctl's has {len(loss.options)}")
    return BoundLoss(loss, values)


@cache
def _record(name: str) -> Any:
    """The class of a name in the registry."""
    module = RECORDS.get(name) or ""
    return getattr(importlib.import_module(module), name) if module else None


def _fields(kind: Any) -> tuple[str, ...]:
    """What makes a record: a NamedTuple's fields, or the slots of a class that takes them by name."""
    return tuple(getattr(kind, "_fields", None) or kind.__slots__)
