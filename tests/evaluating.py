"""Losses of arrays, through the whole program but its command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lossctl.catalogue.spec import bind
from lossctl.evaluation.request import Request
from lossctl.evaluation.run import evaluate_rows, run

NAMES = {"labels": "y", "preds": "p", "weights": "w"}


def request_for(
    call: str, options: dict[str, Any], arrays: dict[str, np.ndarray], folder: Path, **more: Any
) -> Request:
    """A request over arrays, saved as .npy files."""
    roles = {}
    for role, array in arrays.items():
        path = folder / f"{NAMES.get(role, role)}.npy"
        np.save(path, array)
        roles[role] = str(path)
    return Request(files=(), losses=(bind(call, options),), roles=roles, on_bad="keep", **more)


def evaluate_arrays(
    call: str, options: dict[str, Any], arrays: dict[str, np.ndarray], folder: Path, reduction: str | None
) -> float:
    """The reduced loss of arrays."""
    return run(request_for(call, options, arrays, folder, reduction=reduction)).report().results[0].value


def rows_of(call: str, options: dict[str, Any], arrays: dict[str, np.ndarray], folder: Path) -> np.ndarray:
    """The unreduced losses of arrays."""
    request = request_for(call, options, arrays, folder, reduction="none")
    pieces = [next(iter(rows.losses.values())) for rows in evaluate_rows(request, run(request).plan)]
    return np.concatenate(pieces)
