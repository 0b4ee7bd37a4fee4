"""What a call loads: nothing that it has no use for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

HEAVY = ("numpy", "pyarrow", "pandas", "polars", "numba", "rich", "typer", "sklearn")
CALLS = {
    "import lossctl": (),
    "import lossctl; lossctl.loss, lossctl.Param, lossctl.UsageError, lossctl.Interval": (),
    "import lossctl; dir(lossctl); lossctl.losses('huber')": (),
    "import lossctl; lossctl.metric('huber', delta=2)": (),
    "import lossctl; lossctl.evaluate(labels=[1.0], preds=[2.0], loss='mse').value": ("numpy",),
    "import lossctl; lossctl.metric('mse').accumulator().update([1.0], [2.0]).value()": ("numpy",),
    "import lossctl; lossctl.evaluate(labels=[1.0], preds=[float('nan')], loss='mse', on_bad='keep').per_row": (
        "numpy",
    ),
    "import lossctl; lossctl.evaluate('samples/diabetes.parquet', loss='mse').to_json()": ("numpy", "pyarrow"),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_loads_no_more_than_it_uses(call: str) -> None:
    # once before, so that what is measured compiles nothing
    code = f"import sys\n{call}\nprint(*(name for name in {HEAVY} if name in sys.modules))"
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
        )
    assert set(done.stdout.split()) <= set(CALLS[call])


def test_an_unknown_name_is_told() -> None:
    done = subprocess.run([sys.executable, "-c", "import lossctl; lossctl.evalute"], capture_output=True, text=True)
    assert "module 'lossctl' has no attribute 'evalute'" in done.stderr
