"""Compiled kernels are kept, trusted only when sound, and done without when nothing can be kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lossctl.catalogue.spec import bind
from lossctl.errors import UsageError
from lossctl.kernels import rowloss
from lossctl.kernels.machine import Machine
from lossctl.kernels.store import Store


@pytest.fixture
def make() -> Callable[[], tuple[object, object]]:
    from lossctl.kernels import loaders

    return lambda: (loaders.loader("int8", "columns"), loaders.SIGNATURE)


def refused() -> tuple[object, object]:
    raise AssertionError("compiled although it was kept")


def test_a_kernel_is_compiled_once_and_said_once(tmp_path: Path, make: Callable[[], tuple[object, object]]) -> None:
    said: list[str] = []
    assert Machine(Store([tmp_path]), said.append).address("load int8 columns", make)
    assert len(said) == 1
    assert Machine(Store([tmp_path]), said.append).address("load int8 columns", refused)
    assert len(said) == 1


@pytest.mark.parametrize("spoil", ["truncate", "flip", "empty", "writable"])
def test_an_unsound_entry_is_compiled_again(
    tmp_path: Path, make: Callable[[], tuple[object, object]], spoil: str
) -> None:
    Machine(Store([tmp_path])).address("load int8 columns", make)
    (entry,) = tmp_path.iterdir()
    content = bytearray(entry.read_bytes())
    if spoil == "flip":
        content[100] ^= 1
    cut = {"truncate": content[:200], "empty": b""}.get(spoil, content)
    entry.write_bytes(cut)
    if spoil == "writable":
        os.chmod(entry, 0o666)
    with pytest.raises(AssertionError, match="although"):
        Machine(Store([tmp_path])).address("load int8 columns", refused)
    said: list[str] = []
    assert Machine(Store([tmp_path]), said.append).address("load int8 columns", make)
    assert said


def test_the_next_folder_takes_what_the_first_cannot(tmp_path: Path, make: Callable[[], tuple[object, object]]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    kept = tmp_path / "kept"
    Machine(Store([blocked, kept])).address("load int8 columns", make)
    assert len(list(kept.iterdir())) == 1


def test_without_any_folder_it_still_works(make: Callable[[], tuple[object, object]]) -> None:
    assert Machine(Store([])).address("load int8 columns", make)


def test_objects_stand_alone(make: Callable[[], tuple[object, object]]) -> None:
    from numba import types

    from lossctl.kernels.objects import compile_object
    from lossctl.kernels.pointers import FRAME
    from lossctl.kernels.tiles import kernel

    for bound in (bind("scce:from_logits=true", {}), bind("bce", {})):
        code = compile_object(kernel(bound, True), types.void(FRAME), "lossctl_test")
        assert b"lossctl_test" in code
        for name in (b"Py", b"numba_", b"NRT_"):
            assert name not in code


def nested(y: list[float], p: list[float]) -> float:
    worst = 0.0
    for a in p:
        worst = worst + a
    return worst


def test_what_has_no_form_as_passes_is_told_with_its_line() -> None:
    scope = {"y": rowloss.Vector("b_y"), "p": rowloss.Vector("b_p")}
    with pytest.raises(
        UsageError, match=r"test_machine.py, line \d+: nested cannot be compiled: a loss over a row has"
    ):
        rowloss.lower(nested, scope, rowloss.RowProgram())


def test_kernels_read_what_numpy_reads() -> None:
    from lossctl.evaluation.frames import Bounds, Buffers, scan_rows
    from lossctl.readers.block import lay

    values = np.arange(1000, dtype=np.int16) - 3
    look, flags, flagged = scan_rows(lay([values]), Bounds(0.0, 900.0), Buffers(), "labels")
    assert (look.least, look.most, flagged) == (-3.0, 996.0, int(flags.sum()))
    assert flagged == int(((values < 0) | (values > 900)).sum())
