"""An ELF object made runnable without a linker: its sections laid out in memory, its absolute addresses filled in.

Kernels are compiled in LLVM's large code model, whose code refers to its constants and to the C library by plain
64-bit addresses. So linking is a copy and a few additions, and starting up needs neither numba nor llvmlite, whose
own linker (which takes every other machine's objects) costs 30 ms to load.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from functools import cache
from typing import Any, NamedTuple

MAGIC = b"\x7fELF\x02\x01\x01"
X86_64, ABSOLUTE_64 = 62, 1
# kinds of sections
RELOCATIONS, NO_BITS = 4, 8
# a section that is in memory while the program runs
ALLOCATED = 2
READ_AND_EXECUTE = 5
ALIGNED = 64


class Section(NamedTuple):
    """A section's header, as ELF orders its fields."""

    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


class Symbol(NamedTuple):
    """A symbol: `value` is its place in the section `home`, which is 0 for one of another library."""

    name: int
    info: int
    other: int
    home: int
    value: int
    size: int


def linked(code: bytes, wanted: str) -> int | None:
    """The address of a function of an object, mapped for good; None where it is no object of the simple kind."""
    try:
        return _Image(code).linked(wanted)
    except (struct.error, LookupError, StopIteration, ValueError, OSError, AttributeError):
        return None


class _Image:
    def __init__(self, code: bytes) -> None:
        machine = struct.unpack_from("<H", code, 18)[0]
        if code[: len(MAGIC)] != MAGIC or machine != X86_64:
            raise ValueError("another machine's")
        self.code = code
        table, size, count = struct.unpack_from("<Q", code, 40)[0], *struct.unpack_from("<HH", code, 58)
        self.sections = [Section(*struct.unpack_from("<IIQQQQIIQQ", code, table + i * size)) for i in range(count)]

    def linked(self, wanted: str) -> int:
        places, end = self._layout()
        room: Any = mmap.mmap(-1, end)
        base = ctypes.addressof(ctypes.c_char.from_buffer(room))
        for i, place in places.items():
            section = self.sections[i]
            if section.kind != NO_BITS:
                room[place : place + section.size] = self.code[section.offset : section.offset + section.size]
        for section in self.sections:
            if section.kind == RELOCATIONS and section.info in places:
                self._relocate(room, section, base, places)
        if _library().mprotect(ctypes.c_void_p(base), ctypes.c_size_t(end), READ_AND_EXECUTE):
            raise OSError("no memory may be made executable here")
        _mapped.append(room)
        return self._address(self._named(wanted), base, places)

    def _layout(self) -> tuple[dict[int, int], int]:
        """Each section's place in memory, and the end of all; unwinding tables are left out: nothing is thrown."""
        places, end = {}, 0
        for i, section in enumerate(self.sections):
            if section.flags & ALLOCATED and section.size and self._name(section.name, self._names()) != ".eh_frame":
                places[i] = end
                end += -(-section.size // ALIGNED) * ALIGNED
        return places, end

    def _relocate(self, room: Any, section: Section, base: int, places: dict[int, int]) -> None:
        target = places[section.info]
        for at in range(section.offset, section.offset + section.size, section.entry_size):
            offset, info, addend = struct.unpack_from("<QQq", self.code, at)
            if info & 0xFFFFFFFF != ABSOLUTE_64:
                raise ValueError("another kind of reference")
            address = self._address(self._symbol(section.link, info >> 32), base, places) + addend
            struct.pack_into("<Q", room, target + offset, address)

    def _address(self, symbol: tuple[Symbol, str], base: int, places: dict[int, int]) -> int:
        entry, name = symbol
        if entry.home:
            return base + places[entry.home] + entry.value
        found = ctypes.cast(getattr(_library(), name), ctypes.c_void_p).value
        if not found:
            raise ValueError(f"no {name}")
        return found

    def _symbol(self, table: int, index: int) -> tuple[Symbol, str]:
        section = self.sections[table]
        entry = Symbol(*struct.unpack_from("<IBBHQQ", self.code, section.offset + index * section.entry_size))
        return entry, self._name(entry.name, self.sections[section.link])

    def _named(self, wanted: str) -> tuple[Symbol, str]:
        table = next(i for i, section in enumerate(self.sections) if section.kind == 2)
        count = self.sections[table].size // self.sections[table].entry_size
        return next(s for s in (self._symbol(table, i) for i in range(count)) if s[1] == wanted and s[0].home)

    def _names(self) -> Section:
        return self.sections[struct.unpack_from("<H", self.code, 62)[0]]

    def _name(self, start: int, table: Section) -> str:
        begin = table.offset + start
        return self.code[begin : self.code.index(b"\0", begin)].decode()


# what is mapped stays so as long as the process
_mapped: list[Any] = []


@cache
def _library() -> ctypes.CDLL:
    """This process's own symbols: the C library's and those of mathematics."""
    return ctypes.CDLL(None)
