"""Kernels on arrays in memory, in one thread: ns an element, beside PyTorch's in float32 and float64."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lossctl.catalogue.spec import bind
from lossctl.evaluation.frames import Buffers, loss_rows
from lossctl.readers.block import Block, lay
from tests.bench.data import softmax
from tests.bench.processes import shuffled
from tests.bench.report import NOTHING, plain
from tests.bench.tasks import LOSSES

if TYPE_CHECKING:
    from rich.table import Table

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

ELEMENTS = 1 << 20
SMALL = 1e-7
NS = 1e9
OURS, TORCH32, TORCH64 = "lossctl", "torch float32", "torch float64"
# the rows' largest error, relative where the loss is over 1
AGREES = {OURS: 1e-5, TORCH64: 1e-5, TORCH32: 1e-4}


@dataclass(frozen=True, slots=True)
class Case:
    """A loss over rows of so many numbers; from files of columns, as from Parquet, or of rows, as from NPY."""

    name: str
    loss: str
    kind: str
    width: int = 1
    columns: bool = False


CASES = (
    Case("binary_crossentropy", LOSSES["binary"], "binary", 1, True),
    Case("class index, 10 probabilities, columns", LOSSES["index"], "index", 10, True),
    Case("class index, 10 probabilities, rows", LOSSES["index"], "index", 10),
    Case("class index, 100 probabilities, rows", LOSSES["index"], "index", 100),
    Case("class index, 10 logits, columns", LOSSES["logits"], "index logits", 10, True),
    Case("class index, 10 logits, rows", LOSSES["logits"], "index logits", 10),
    Case("class index, 100 logits, rows", LOSSES["logits"], "index logits", 100),
    Case("class vector, 10 probabilities, columns", LOSSES["onehot"], "vector", 10, True),
    Case(
        "softmax: class vector, 10 logits, columns", LOSSES["onehot"] + ":from_logits=true", "vector logits", 10, True
    ),
    Case("softmax: class vector, 100 logits, rows", LOSSES["onehot"] + ":from_logits=true", "vector logits", 100),
)


@dataclass(slots=True)
class Timed:
    """A case's best seconds by who ran it, and how far its rows were from the formula's."""

    case: Case
    elements: int
    seconds: dict[str, float] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)

    def ns(self, name: str) -> float:
        """Nanoseconds an element."""
        return self.seconds[name] / self.elements * NS

    @property
    def complaints(self) -> list[str]:
        """Whose rows are wrong; a NaN is."""
        wrong = [name for name, error in self.errors.items() if not error <= AGREES[name]]
        return [f"{self.case.name}: {name} is off by {self.errors[name]:.3g}" for name in wrong]


def one_thread_of_torch() -> ModuleType | None:
    """PyTorch, held to one thread; None where it cannot be imported."""
    try:
        torch = import_module("torch")
    except ImportError:
        return None
    torch.set_num_threads(1)
    return torch


def measure(case: Case, repeats: int, torch: ModuleType | None, elements: int = ELEMENTS) -> Timed:
    """The best of several repeats, taken in turns."""
    rows = max(1, elements // case.width)
    labels, preds = draw(case, rows)
    calls = {OURS: ours(case, labels, preds)}
    if torch is not None:
        calls[TORCH32] = theirs(case, torch, labels, preds, torch.float32)
        calls[TORCH64] = theirs(case, torch, labels, preds, torch.float64)
    timed = Timed(case, rows * case.width)
    right = formula(case, labels, preds)
    for name, call in calls.items():
        found = np.asarray(call(), np.float64)
        timed.errors[name] = float(np.max(np.abs(found - right) / np.maximum(np.abs(right), 1.0)))
    for turn in range(repeats):
        for name in shuffled(list(calls), turn):
            timed.seconds[name] = min(timed.seconds.get(name, np.inf), _seconds(calls[name]))
    return timed


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def draw(case: Case, rows: int) -> tuple[Array, Array]:
    """Labels, (n,) or (n, K), and preds, (n, K) of float32."""
    rng = np.random.default_rng(case.width)
    if case.kind == "binary":
        return (rng.random(rows) < 0.3).astype(np.int8), rng.beta(2, 3, (rows, 1)).astype(np.float32)
    logits = rng.standard_normal((rows, case.width), np.float32)
    index = rng.integers(0, case.width, rows, np.int32)
    labels = index if case.kind.startswith("index") else np.eye(case.width, dtype=np.int8)[index]
    return labels, logits if case.kind.endswith("logits") else softmax(logits)


def ours(case: Case, labels: Array, preds: Array) -> Callable[[], Array]:
    """The kernel's call on a block of all rows."""
    roles = {"labels": lay(_columns(case, labels)), "preds": lay(_columns(case, preds))}
    block = Block(0, len(preds), roles)
    return partial(loss_rows, bind(case.loss, {}), block, False, Buffers(), "losses")


def _columns(case: Case, matrix: Array) -> list[Array]:
    if matrix.ndim == 1 or not case.columns:
        return [matrix]
    return [np.ascontiguousarray(matrix[:, k]) for k in range(matrix.shape[1])]


def theirs(case: Case, torch: ModuleType, labels: Array, preds: Array, dtype: Any) -> Callable[[], Any]:
    """PyTorch's call on tensors that are ready for it; a loss a row, as the kernel gives."""
    functional = torch.nn.functional
    y, p = torch.from_numpy(labels), torch.from_numpy(preds).to(dtype)
    # int64 is what it takes as an index
    y = y.long() if case.kind.startswith("index") else y.to(dtype)
    if case.kind == "binary":
        return partial(functional.binary_cross_entropy, p[:, 0], y, reduction="none")
    if case.kind == "index":
        return lambda: functional.nll_loss(p.clamp(SMALL, 1).log(), y, reduction="none")
    if case.kind == "vector":
        return lambda: -(y * p.clamp(SMALL, 1).log()).sum(1)
    return partial(functional.cross_entropy, p, y, reduction="none")


def formula(case: Case, labels: Array, preds: Array) -> Array:
    """The same by numpy, in float64."""
    p = preds.astype(np.float64)
    if case.kind == "binary":
        q = np.clip(p[:, 0], SMALL, 1 - SMALL)
        return -np.where(labels == 1, np.log(q), np.log1p(-q))
    index = labels if labels.ndim == 1 else labels.argmax(axis=1)
    if case.kind.endswith("logits"):
        p = softmax(p)
    picked: Array = p[np.arange(len(p)), index]
    return -np.log(np.maximum(picked, SMALL))


def kernel_table(timed: Sequence[Timed], with_torch: bool) -> Table:
    """ns an element, and how many times PyTorch's."""
    table = plain(
        "one thread, ns an element: the best of the repeats", "kernel", OURS, TORCH32, TORCH64, "/ 32", "/ 64"
    )
    for one in timed:
        torches = (TORCH32, TORCH64) if with_torch else ()
        cells = [f"{one.ns(name):.2f}" for name in (OURS, *torches)]
        ratios = [f"{one.ns(OURS) / one.ns(name):.2f}" for name in torches]
        table.add_row(one.case.name, *cells, *ratios, *() if with_torch else [NOTHING] * 4)
    return table


def document(one: Timed) -> dict[str, Any]:
    """A case as data."""
    return {
        "loss": one.case.loss,
        "width": one.case.width,
        "columns": one.case.columns,
        "elements": one.elements,
        "ns_per_element": {name: one.ns(name) for name in one.seconds},
        "largest_error": one.errors,
        "complaints": one.complaints,
    }
