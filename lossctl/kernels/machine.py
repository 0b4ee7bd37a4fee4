"""Kernels as addresses: mapped from the store where it has them, else compiled by numba and kept.

Mapping a kept one needs neither numba nor, on x86-64, llvmlite (see `link`). Kernels are called through ctypes,
which lets go of the interpreter's lock.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from lossctl.catalogue.spec import BoundLoss
from lossctl.kernels.layout import variant
from lossctl.kernels.link import linked
from lossctl.kernels.store import KEY, PACKAGE, Store, fingerprint, processor, sources_fingerprint

Notice = Callable[[str], None]
Kernel = Callable[[int], None]


class Machine:
    """This process's kernels, each mapped once."""

    def __init__(self, store: Store, notice: Notice = lambda text: None) -> None:
        self.store, self.notice = store, notice
        self.configured = False
        self._addresses: dict[str, int] = {}
        self._lock = threading.Lock()
        self._said = False

    def address(self, name: str, make: Callable[[], tuple[Any, Any]]) -> int:
        """The address of a kernel.

        Args:
            name: what tells it from all others.
            make: gives the Python function and numba signature, if it has to be compiled.
        """
        with self._lock:
            if name not in self._addresses:
                self._addresses[name] = self._map(name, make)
            return self._addresses[name]

    def _map(self, name: str, make: Callable[[], tuple[Any, Any]]) -> int:
        key = fingerprint([_machine_fingerprint(), name])[:KEY]
        code = self.store.load(key)
        if code is None:
            self._tell()
            code = _compile(*make(), key)
            self.store.save(key, code)
        return linked(code, f"lossctl_{key}") or _engine().add(code, f"lossctl_{key}")

    def _tell(self) -> None:
        if not self._said:
            self._said = True
            self.notice("compiling kernels for this machine; later runs reuse them")


class _Engine:
    """llvmlite's linker of object files into this process."""

    def __init__(self) -> None:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self.llvm = llvm
        self.target = llvm.Target.from_default_triple().create_target_machine()
        self.engines: list[Any] = []

    def add(self, code: bytes, symbol: str) -> int:
        # an engine each: an engine that is finalised takes no further object
        engine = self.llvm.create_mcjit_compiler(self.llvm.parse_assembly(""), self.target)
        engine.add_object_file(self.llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
        self.engines.append(engine)
        return int(engine.get_function_address(symbol))


@cache
def _engine() -> _Engine:
    return _Engine()


@cache
def _machine_fingerprint() -> str:
    return f"{sources_fingerprint()} {processor()}"


def _compile(function: Any, signature: Any, key: str) -> bytes:
    from lossctl.kernels.objects import compile_object

    return compile_object(function, signature, f"lossctl_{key}")


_machine = Machine(Store([PACKAGE / "kernels" / "__pycache__" / "machine"]))


def machine() -> Machine:
    """The process's machine."""
    return _machine


def configure(folders: list[Path], notice: Notice) -> None:
    """Say where compiled kernels may be kept besides the package's own folder, and who is told of a wait."""
    _machine.store = Store([*_machine.store.folders[:1], *folders])
    _machine.notice = notice
    _machine.configured = True


def configured() -> bool:
    """Whether somebody said where kernels may be kept."""
    return _machine.configured


def _frame_signature() -> Any:
    from numba import types

    from lossctl.kernels.pointers import FRAME

    return types.void(FRAME)


def _callable(address: int) -> Kernel:
    return ctypes.CFUNCTYPE(None, ctypes.c_int64)(address)


@cache
def loss_kernel(bound: BoundLoss, single: bool) -> Kernel:
    """The kernel of a loss: see `tiles` for its frame."""

    def make() -> tuple[Any, Any]:
        from lossctl.kernels import tiles

        return tiles.kernel(bound, single), _frame_signature()

    return _callable(machine().address(variant(bound, single), make))


@cache
def loader_address(dtype: str, layout: str) -> int:
    """The address of a loader: see `loaders`."""

    def make() -> tuple[Any, Any]:
        from lossctl.kernels import loaders

        return loaders.loader(dtype, layout), loaders.SIGNATURE

    return machine().address(f"load {dtype} {layout}", make)


@cache
def scan_kernel(sums_alone: bool) -> Kernel:
    """The scanning kernel, or the one that looks at the rows' sums alone: see `scan`."""

    def make() -> tuple[Any, Any]:
        from lossctl.kernels import scan

        return scan.add_up if sums_alone else scan.scan, _frame_signature()

    return _callable(machine().address(f"scan sums_alone={sums_alone}", make))


@cache
def glance_kernel(dtype: str) -> Kernel:
    """The kernel that finds the extremes of a run: see `glance`."""

    def make() -> tuple[Any, Any]:
        from lossctl.kernels import glance

        return glance.glance(dtype), _frame_signature()

    return _callable(machine().address(f"glance {dtype}", make))


@cache
def exponential_kernel() -> Kernel:
    """The kernel that takes numbers from their logarithms: see `exponential`."""

    def make() -> tuple[Any, Any]:
        from lossctl.kernels import exponential

        return exponential.exponentials, _frame_signature()

    return _callable(machine().address("exponentials", make))


@cache
def logarithm_kernel() -> Kernel:
    """The kernel that takes logarithms: see `logarithm`."""

    def make() -> tuple[Any, Any]:
        from lossctl.kernels import logarithm

        return logarithm.logarithms, _frame_signature()

    return _callable(machine().address("logarithms", make))


@cache
def isotonic_kernel(pools: bool) -> Kernel:
    """The kernel that pools sorted predictions, or the one that merges two runs of them: see `isotonic`."""

    def make() -> tuple[Any, Any]:
        from lossctl.kernels import isotonic

        return isotonic.pool if pools else isotonic.merge, _frame_signature()

    return _callable(machine().address(f"isotonic pools={pools}", make))


@cache
def accumulate_kernel(cut: bool) -> Kernel:
    """The exact sum's kernel: see `accumulate`, and `cutsum` for the one that takes many plain rows."""

    def make() -> tuple[Any, Any]:
        from lossctl.kernels import accumulate, cutsum

        return (cutsum if cut else accumulate).accumulate, _frame_signature()

    return _callable(machine().address(f"accumulate cut={cut}", make))


@cache
def grouped_kernel() -> Kernel:
    """The kernel of exact sums by group: see `grouped`."""

    def make() -> tuple[Any, Any]:
        from lossctl.kernels import grouped

        return grouped.accumulate, _frame_signature()

    return _callable(machine().address("accumulate by group", make))


@cache
def resample_kernel() -> Kernel:
    """The kernel that adds rows up over many resamples: see `resample`."""

    def make() -> tuple[Any, Any]:
        from lossctl.kernels import resample

        return resample.resample, _frame_signature()

    return _callable(machine().address("resample", make))


@cache
def bucket_kernel(plain: bool) -> Kernel:
    """The kernel that counts rows by bucket, or the one for weights and groups: see `bucketcount`."""

    def make() -> tuple[Any, Any]:
        from lossctl.kernels import bucketcount

        return bucketcount.count if plain else bucketcount.tally, _frame_signature()

    return _callable(machine().address(f"buckets plain={plain}", make))


@cache
def digest_kernel() -> Kernel:
    """The kernel that hashes a block's rows: see `digest`."""

    def make() -> tuple[Any, Any]:
        from lossctl.kernels import digest

        return digest.digest, _frame_signature()

    return _callable(machine().address("digest", make))
