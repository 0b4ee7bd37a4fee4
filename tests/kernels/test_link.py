"""Kept kernels are mapped without llvmlite where their objects are of the simple kind, and with it elsewhere."""

from __future__ import annotations

import ctypes
import platform
from pathlib import Path
from typing import Any

import pytest

from lossctl.kernels.link import linked
from lossctl.kernels.machine import Machine
from lossctl.kernels.store import Store
from tests.conftest import program

x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines' objects are linked by llvmlite")
NAME = "load int8 columns"


def make() -> tuple[Any, Any]:
    from lossctl.kernels import loaders

    return loaders.loader("int8", "columns"), loaders.SIGNATURE


@pytest.fixture
def kept(tmp_path: Path) -> tuple[bytes, str]:
    Machine(Store([tmp_path])).address(NAME, make)
    (path,) = tmp_path.glob("*.o")
    return path.read_bytes()[32:], f"lossctl_{path.stem}"


@x86_64
def test_a_linked_kernel_runs(kept: tuple[bytes, str]) -> None:
    import numpy as np

    code, symbol = kept
    place = linked(code, symbol)
    assert place is not None
    numbers, found = np.array([3, -4, 5], np.int8), np.zeros(3)
    columns = np.array([numbers.ctypes.data])
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 7)(place)
    call(columns.ctypes.data, 1, 0, 3, 1, found.ctypes.data, 3)
    assert found.tolist() == [3.0, -4.0, 5.0]


def test_what_is_no_such_object_is_left_to_llvmlite(kept: tuple[bytes, str]) -> None:
    code, symbol = kept
    assert linked(code, "another_symbol") is None
    assert linked(b"", symbol) is None
    assert linked(b"\xcf\xfa\xed\xfe" + code[4:], symbol) is None
    for end in range(0, len(code), 97):
        assert linked(code[:end], symbol) is None or end > len(code) * 0.9


@x86_64
def test_a_warm_run_loads_no_compiler() -> None:
    command = ("eval", "samples/breast_cancer.csv", "-p", "prob", "--loss", "binary_crossentropy", "--value-only", "-q")
    assert program(*command).returncode == 0
    script = f"""
import sys
sys.argv = ["lossctl", *{command!r}]
import lossctl.cli.main as main
heavy = ("numba", "llvmlite", "pandas", "rich", "typer")
main._leave = lambda code: print(code, [name for name in heavy if name in sys.modules])
main.main()
"""
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


@x86_64
@pytest.mark.parametrize("loss", ["binary_crossentropy", "binary_focal_crossentropy:gamma=1.5", "poisson", "log_cosh"])
def test_a_processor_without_fused_multiply_add_gets_the_same_bits(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import llvmlite.binding as llvm
    import numpy as np

    from lossctl.catalogue.spec import bind
    from lossctl.evaluation import frames
    from lossctl.kernels import machine, objects, tiles
    from lossctl.readers.block import Block, lay

    bound, draw = bind(loss, {}), np.random.default_rng(3)
    labels, preds = draw.integers(0, 2, 500).astype(float), draw.random(500)
    block = Block(0, 500, {"labels": lay([labels]), "preds": lay([preds])})
    here = frames.loss_rows(bound, block, False, frames.Buffers(), "losses").copy()

    plain = llvm.Target.from_default_triple().create_target_machine("x86-64", "", opt=3, reloc="pic", codemodel="small")
    monkeypatch.setattr(objects, "_target", lambda: plain)
    code = objects.compile_object(tiles.kernel(bound, True), machine._frame_signature(), "lossctl_plain")
    assert b"fma\0" in code
    place = linked(code, "lossctl_plain")
    assert place is not None
    monkeypatch.setattr(frames, "loss_kernel", lambda bound, single: machine._callable(place))
    assert frames.loss_rows(bound, block, False, frames.Buffers(), "losses").tobytes() == here.tobytes()
