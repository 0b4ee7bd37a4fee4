"""Reliability tables and score decompositions for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lossctl.show.cells import between, counted, printable
from lossctl.show.slices import named
from lossctl.show.table import Side, grid, rendered

if TYPE_CHECKING:
    from rich.table import Table

BAR = 20
HEADS: dict[str, Side] = {
    "bin": "left",
    "rows": "right",
    "predicted": "right",
    "observed": "right",
    "± stderr": "right",
    "gap": "right",
}
# classes whose errors are shown, the worst ones first
SHOWN = 10


def render(calibration: Mapping[str, Any], width: int | None, color: bool) -> str:
    """The table of bins with its errors, and the classes' errors.

    Args:
        calibration: as the JSON has it.
        width: the terminal's columns; None where there is no terminal, and nothing is ever cut or folded.
        color: whether to write bold, dim and colours.
    """
    lines = [f"calibration of {printable(calibration['loss'])}"]
    text = ""
    if "bins" in calibration:
        lines.append(_errors(calibration))
        lines += _unusable(calibration)
        text = rendered(_bins(calibration, width), width, color)
    for kind in ("classwise", "labelwise"):
        if kind in calibration:
            text += "".join(f"{line}\n" for line in _classes(calibration[kind]))
    for slicing, slices in groupby(calibration.get("slices", ()), key=lambda one: one["slicing"]):
        text += f"\nbias by {printable(slicing)}\n" + rendered(_biases(list(slices)), width, color)
    return "".join(f"{line}\n" for line in lines) + text


def _biases(slices: Sequence[Mapping[str, Any]]) -> Table:
    """Prediction less label, slice by slice."""
    columns: dict[str, Side] = {printable(name): "left" for name in slices[0]["by"]}
    made = grid({**columns, "rows": "right", "bias": "right", "interval": "right"})
    for one in slices:
        interval = "" if one["low"] is None else between(one["low"], one["high"])
        bias = "" if one["bias"] is None else f"{one['bias']:+.6g}"
        made.add_row(*map(named, one["by"].values()), f"{one['count']:,}", bias, interval)
    return made


def decomposed(found: Mapping[str, Any]) -> str:
    """Such as "brier 0.04 = miscalibration 0.02 - discrimination 0.2 + uncertainty 0.22"."""
    over = f" ({found['over']})" if "over" in found else ""
    pieces = [f"{name} {found[name]:.6g}" for name in ("miscalibration", "discrimination", "uncertainty")]
    score = found["score"].replace("_", " ")
    return f"{score}{over} {found['value']:.6g} = {pieces[0]} - {pieces[1]} + {pieces[2]}"


def _errors(table: Mapping[str, Any]) -> str:
    return (
        f"ECE {table['ece']:.6g}, largest gap {table['mce']:.6g}, root mean square {table['rms']:.6g}, "
        f"bias {table['bias']:+.6g} ({table['estimator']}; {counted(table['count'])})"
    )


def _unusable(table: Mapping[str, Any]) -> list[str]:
    return [f"{counted(table['unusable'])} of no number are in no bin"] if "unusable" in table else []


def _bins(table: Mapping[str, Any], width: int | None) -> Table:
    # below this many columns bars would fold
    bars = width is None or width >= 100
    made = grid({**HEADS, **({"|: predicted, #: observed": "left"} if bars else {})})
    for entry in table["bins"]:
        error = "" if entry["stderr"] is None else f"{entry['stderr']:.3g}"
        cells = [
            f"{entry['lower']:.4g} … {entry['upper']:.4g}",
            f"{entry['count']:,}",
            f"{entry['predicted']:.4f}",
            f"{entry['observed']:.4f}",
            error,
            f"{entry['gap']:+.4f}",
        ]
        made.add_row(*cells, *([bar(entry["predicted"], entry["observed"])] if bars else []))
    return made


def bar(predicted: float, observed: float) -> str:
    """Two rates from 0 to 1 as a bar of what was observed, with a mark where it was predicted to end.

    >>> bar(0.5, 0.25)
    '#####.....|.........'
    """
    ends = [round(min(max(rate, 0.0), 1.0) * BAR) for rate in (predicted, observed)]
    drawn = ["#" if k < ends[1] else "." for k in range(BAR)]
    drawn[min(ends[0], BAR - 1)] = "|"
    return "".join(drawn)


def _classes(found: Mapping[str, Any]) -> list[str]:
    ordered = sorted(found["classes"], key=lambda entry: -entry["ece"])
    told = ", ".join(f"{printable(str(entry['class']))} {entry['ece']:.4g}" for entry in ordered[:SHOWN])
    more = f", … ({len(ordered) - SHOWN:,} more)" if len(ordered) > SHOWN else ""
    return [f"ECE {found['ece']:.6g} ({found['estimator']})", f"by class: {told}{more}"]
