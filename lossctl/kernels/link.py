"""An ELF object made runnable without a linker: its sections laid out in memory, its addresses filled in.

Kernels are compiled to code that stands anywhere: it refers to its constants by their distance. The C library,
which may be too far for that, is called by way of a jump behind the sections. So linking is a copy and a few
additions, and starting up needs neither numba nor llvmlite, whose own linker (which takes every other machine's
objects) costs 30 ms to load.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

MAGIC = b"\x7fELF\x02\x01\x01"
X86_64 = 62
# kinds of references: an address, a distance, and a distance to a function
ADDRESS, DISTANCE, CALL = 1, 2, 4
# jmp [rip], which the address follows
JUMP, JUMP_SIZE = b"\xff\x25\0\0\0\0", 16
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
    """An object on its way into memory: `room` has its sections, then a jump for each foreign function."""

    def __init__(self, code: bytes) -> None:
        machine = struct.unpack_from("<H", code, 18)[0]
        if code[: len(MAGIC)] != MAGIC or machine != X86_64:
            raise ValueError("another machine's")
        self.code = code
        table, size, count = struct.unpack_from("<Q", code, 40)[0], *struct.unpack_from("<HH", code, 58)
        self.sections = [Section(*struct.unpack_from("<IIQQQQIIQQ", code, table + i * size)) for i in range(count)]
        self.places, end = self._layout()
        self.jumps = self._jumps(end)
        self.size = end + JUMP_SIZE * len(self.jumps)
        self.room: Any = mmap.mmap(-1, self.size)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self.room))

    def linked(self, wanted: str) -> int:
        for i, place in self.places.items():
            section = self.sections[i]
            if section.kind != NO_BITS:
                self.room[place : place + section.size] = self.code[section.offset : section.offset + section.size]
        for name, place in self.jumps.items():
            self.room[place : place + JUMP_SIZE] = JUMP + struct.pack("<Qxx", _foreign(name))
        for target, offset, kind, addend, symbol in self._references():
            self._fill(target + offset, kind, self._address(symbol, kind == CALL) + addend)
        if _library().mprotect(ctypes.c_void_p(self.base), ctypes.c_size_t(self.size), READ_AND_EXECUTE):
            raise OSError("no memory may be made executable here")
        _mapped.append(self.room)
        return self._address(self._named(wanted))

    def _layout(self) -> tuple[dict[int, int], int]:
        """Each section's place in memory, and the end of all; unwinding tables are left out: nothing is thrown."""
        places, end = {}, 0
        for i, section in enumerate(self.sections):
            if section.flags & ALLOCATED and section.size and self._name(section.name, self._names()) != ".eh_frame":
                places[i] = end
                end += -(-section.size // ALIGNED) * ALIGNED
        return places, end

    def _references(self) -> Iterator[tuple[int, int, int, int, tuple[Symbol, str]]]:
        """What is to be filled in: its section's place, its own in it, its kind, what to add, and the symbol."""
        for section in self.sections:
            if section.kind == RELOCATIONS and section.info in self.places:
                for at in range(section.offset, section.offset + section.size, section.entry_size):
                    offset, info, addend = struct.unpack_from("<QQq", self.code, at)
                    symbol = self._symbol(section.link, info >> 32)
                    yield self.places[section.info], offset, info & 0xFFFFFFFF, addend, symbol

    def _jumps(self, end: int) -> dict[str, int]:
        """Where the jump to each foreign function is that the code calls."""
        called = dict.fromkeys(
            name for *_, kind, _, (entry, name) in self._references() if kind == CALL and not entry.home
        )
        return {name: end + JUMP_SIZE * i for i, name in enumerate(called)}

    def _fill(self, place: int, kind: int, address: int) -> None:
        if kind == ADDRESS:
            struct.pack_into("<Q", self.room, place, address)
        elif kind in (DISTANCE, CALL):
            struct.pack_into("<i", self.room, place, address - (self.base + place))
        else:
            raise ValueError("another kind of reference")

    def _address(self, symbol: tuple[Symbol, str], called: bool = False) -> int:
        entry, name = symbol
        if entry.home:
            return self.base + self.places[entry.home] + entry.value
        return self.base + self.jumps[name] if called else _foreign(name)

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


def _foreign(name: str) -> int:
    """The address of a function of another library."""
    found = ctypes.cast(getattr(_library(), name), ctypes.c_void_p).value
    if not found:
        raise ValueError(f"no {name}")
    return found


# what is mapped stays so as long as the process
_mapped: list[Any] = []


@cache
def _library() -> ctypes.CDLL:
    """This process's own symbols: the C library's and those of mathematics."""
    return ctypes.CDLL(None)
