"""Arrays in files: one .npy, several side by side as one table, or the members of an .npz or a .safetensors."""

from __future__ import annotations

import math
import os
import threading
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from tokenize import TokenError
from typing import IO, TYPE_CHECKING, Any

from lossctl.errors import DataError
from lossctl.readers import files
from lossctl.readers.source import Chunk, ColumnInfo, Kind, Unit

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lossctl.readers.source import Values

UNIT_BYTES = 1 << 25
UNIT_ROWS = 1 << 18
MAGIC = b"\x93NUMPY"
KINDS: dict[str, Kind] = {
    "i": "integer",
    "u": "integer",
    "f": "float",
    "b": "boolean",
    "U": "string",
    "S": "string",
}
# what numpy and zipfile raise at a broken file, a password or an unknown packing
UNREADABLE = (
    ValueError,
    TypeError,
    EOFError,
    OSError,
    KeyError,
    SyntaxError,
    OverflowError,
    RuntimeError,
    TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
_unpacking = threading.Lock()


@dataclass(frozen=True, slots=True)
class ArraysSource:
    """One or more .npy files of equal length, side by side.

    A column is named by its path; the fields of a structured array by their own names where it is the only one.
    """

    paths: tuple[str, ...]
    format: str = "npy"
    rereadable: bool = True

    @property
    def path(self) -> str:
        """All paths."""
        return ", ".join(self.paths)

    @property
    def rows(self) -> int | None:
        """The arrays' common length."""
        return _common_length(self._arrays())

    def columns(self) -> Sequence[ColumnInfo]:
        """A column an array, or a field of one."""
        return [_info(name, array) for name, array in self._arrays().items()]

    def units(self, file: int) -> list[Unit]:
        """Ranges of rows."""
        return _units(file, self._arrays())

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """Slices of the mapped arrays."""
        return _chunks(self._arrays(), unit, names, rows)

    def _arrays(self) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for path in self.paths:
            _add(found, _columns_of(path, mapped(path), alone=len(self.paths) == 1), path)
        return found


@dataclass(frozen=True, slots=True)
class MemorySource:
    """Arrays in memory by name, side by side; text is an Arrow array."""

    arrays: dict[str, Any]
    path: str = "data"
    format: str = "numpy"
    rereadable: bool = True

    @property
    def rows(self) -> int | None:
        """The arrays' common length."""
        return _common_length(self.arrays)

    def columns(self) -> Sequence[ColumnInfo]:
        """A column an array."""
        return [_info(name, array) for name, array in self.arrays.items()]

    def units(self, file: int) -> list[Unit]:
        """Ranges of rows."""
        return _units(file, self.arrays)

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """Slices of the arrays."""
        return _chunks(self.arrays, unit, names, rows)


@dataclass(frozen=True, slots=True)
class NpzSource:
    """An .npz: its members are columns."""

    path: str
    format: str = "npz"
    rereadable: bool = True

    @property
    def rows(self) -> int | None:
        """The members' common length."""
        return _common_length(members(self.path))

    def columns(self) -> Sequence[ColumnInfo]:
        """A column a member."""
        return [_info(name, array) for name, array in members(self.path).items()]

    def units(self, file: int) -> list[Unit]:
        """Ranges of rows."""
        return _units(file, members(self.path))

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """Slices of the members, which are loaded whole, once."""
        return _chunks(members(self.path), unit, names, rows)


@dataclass(frozen=True, slots=True)
class TensorsSource:
    """A .safetensors file: its tensors are columns, whose first axis is the rows."""

    path: str
    format: str = "safetensors"
    rereadable: bool = True

    @property
    def rows(self) -> int | None:
        """The tensors' common length."""
        return _common_length(self._tensors())

    def columns(self) -> Sequence[ColumnInfo]:
        """A column a tensor."""
        return [_info(name, array) for name, array in self._tensors().items()]

    def units(self, file: int) -> list[Unit]:
        """Ranges of rows."""
        return _units(file, self._tensors())

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """Slices of the mapped tensors; those of BF16 are widened once a unit."""
        from lossctl.readers.safetensors import tensor

        return _chunks({name: tensor(self.path, name) for name in names}, unit, names, rows)

    def _tensors(self) -> dict[str, np.ndarray]:
        from lossctl.readers.safetensors import header, tensor

        return {name: tensor(self.path, name) for name in header(self.path)}


def mapped(path: str) -> np.ndarray:
    """The array of an .npy file, mapped from disk.

    Raises:
        DataError: the file is missing, broken, or holds Python objects.
    """
    try:
        return _cached_map(path, *files.facts(path))
    except UNREADABLE as error:
        raise DataError(_why(path, error)) from None


@lru_cache(maxsize=16)
def _cached_map(path: str, size: int, changed: int) -> np.ndarray:
    import numpy as np

    # a copy of a remote file stays mapped when its name is gone
    with files.on_disk(path) as here:
        with open(here, "rb") as file:
            if file.read(6) != MAGIC:
                raise ValueError("it does not start like one")
            file.seek(0)
            if _claimed_bytes(path, file) > size:
                raise DataError(_cut_short(path))
        array = np.load(here, mmap_mode="r", allow_pickle=False)
    plain: np.ndarray = array.view(np.ndarray)
    return plain


def _why(path: str, error: Exception) -> str:
    text = str(error)
    if "Python objects" in text or "pickle" in text or "Object arrays" in text:
        return _pickled(path)
    if "mmap length" in text or "EOF" in text or "reshape" in text:
        return _cut_short(path)
    return f"{path}: not a whole .npy file: {text.splitlines()[0] if text else type(error).__name__}"


def _pickled(path: str) -> str:
    return f"{path} holds pickled Python objects, which lossctl never loads; save plain numbers"


def _cut_short(path: str) -> str:
    return f"{path} is cut short: its header claims more than the file holds"


def _columns_of(name: str, array: np.ndarray, alone: bool) -> dict[str, np.ndarray]:
    if array.dtype.names:
        return {field if alone else f"{name}.{field}": array[field] for field in array.dtype.names}
    return {name: array}


def _info(name: str, array: np.ndarray) -> ColumnInfo:
    if array.ndim == 0 or array.ndim > 2:
        raise DataError(f"{name} has shape {array.shape}: an array of rows has one axis, or two")
    width = 1 if array.ndim == 1 else array.shape[1]
    if width == 0:
        raise DataError(f"{name} has shape {array.shape}: its rows hold no numbers")
    kind = KINDS.get(array.dtype.kind, "other")
    if width > 1:
        kind = "other" if kind in ("string", "other") else "list"
    return ColumnInfo(name, kind, str(array.dtype), width)


def _common_length(arrays: dict[str, np.ndarray]) -> int:
    lengths = {name: array.shape[0] for name, array in arrays.items() if array.ndim}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"arrays of different lengths: {told} rows")
    return next(iter(lengths.values()), 0)


def _units(file: int, arrays: dict[str, np.ndarray]) -> list[Unit]:
    rows = _common_length(arrays)
    row_bytes = sum(array.nbytes // max(rows, 1) for array in arrays.values())
    step = min(UNIT_ROWS, max(1024, UNIT_BYTES // max(row_bytes, 1)))
    return [Unit(file, i, start, min(start + step, rows)) for i, start in enumerate(range(0, rows, step))]


def _chunks(arrays: dict[str, np.ndarray], unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
    for start in range(unit.start, unit.stop, rows):
        stop = min(start + rows, unit.stop)
        yield Chunk(stop - start, {name: _values(name, arrays[name][start:stop]) for name in names})


def _values(name: str, array: np.ndarray) -> Values:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    return _text(name, array) if array.ndim == 1 and array.dtype.kind in "US" else array


def _text(name: str, array: np.ndarray) -> pa.Array:
    import pyarrow as pa

    try:
        entries = [entry.decode() if isinstance(entry, bytes) else entry for entry in array.tolist()]
        return pa.array(entries, pa.string())
    except UnicodeError:
        raise DataError(f"{name}: expected text in UTF-8, found other bytes; save it as str (dtype U)") from None


def members(path: str) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, loaded whole.

    Raises:
        DataError: as `mapped`; or they would not fit into half of the memory.
    """
    try:
        facts = files.facts(path)
        # threads that meet here would each unpack the whole archive
        with _unpacking:
            return _cached_members(path, *facts)
    except UNREADABLE as error:
        raise DataError(_why(path, error).replace(".npy file", ".npz file")) from None


@lru_cache(maxsize=2)
def _cached_members(path: str, size: int, changed: int) -> dict[str, np.ndarray]:
    import numpy as np

    found: dict[str, np.ndarray] = {}
    with files.on_disk(path) as here, zipfile.ZipFile(here) as archive:
        _refuse_bomb(path, archive)
        for member in archive.infolist():
            with archive.open(member) as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
            _add(found, _member_columns(member.filename.removesuffix(".npy"), array), path)
    return found


def _member_columns(name: str, array: np.ndarray) -> dict[str, np.ndarray]:
    fields = array.dtype.names
    return {name: array} if fields is None else {field: array[field] for field in fields}


def _add(found: dict[str, np.ndarray], more: dict[str, np.ndarray], path: str) -> None:
    twice = found.keys() & more.keys()
    if twice:
        raise DataError(f"{path} has more than one column {min(twice)!r}; save it with distinct names")
    found |= more


def half_of_memory() -> int:
    """Bytes that may be held at once: half of what this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _refuse_bomb(path: str, archive: zipfile.ZipFile) -> None:
    """An archive is loaded whole, so it has to fit; a member may claim no more than its bytes."""
    claimed = sum(member.file_size for member in archive.infolist())
    if claimed > half_of_memory():
        raise DataError(f"{path} claims {claimed:,} bytes unpacked, over half of this machine's memory; save .npy")
    for member in archive.infolist():
        with archive.open(member) as file:
            if file.read(6) != MAGIC:
                raise DataError(f"{path}: member {member.filename} is no array, expected .npy members alone")
            file.seek(0)
            size = _claimed_bytes(path, file)
        if size != member.file_size:
            raise DataError(f"{path}: member {member.filename} claims {size:,} bytes and holds {member.file_size:,}")


def _claimed_bytes(path: str, file: IO[bytes]) -> int:
    """The size of an array's file by its own header."""
    import numpy as np

    major, _ = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise DataError(_pickled(path))
    return file.tell() + dtype.itemsize * math.prod(shape)
