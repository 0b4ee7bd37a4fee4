"""Kernels made before they are needed: those of some losses in each of their variants, and those that all share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product

from lossctl.catalogue.declare import Option, Value
from lossctl.catalogue.spec import BoundLoss
from lossctl.evaluation.settled import Settled
from lossctl.kernels.machine import (
    accumulate_kernel,
    bucket_kernel,
    digest_kernel,
    exponential_kernel,
    glance_kernel,
    grouped_kernel,
    isotonic_kernel,
    loader_address,
    logarithm_kernel,
    loss_kernel,
    resample_kernel,
    scan_kernel,
)
from lossctl.readers.block import NATIVE

LAYOUTS = ("columns", "rows", "strided", "onehot")
# precision of preds at which frameworks' guards are looked up; it changes no kernel
BITS = 32
Making = Callable[[], object]


def shared() -> dict[str, Making]:
    """What every call may need, by name: loaders of each type, the checks and the sums."""
    loaders: dict[str, Making] = {
        f"loader of {dtype} {layout}": partial(loader_address, dtype, layout)
        for dtype in sorted(NATIVE)
        for layout in LAYOUTS
    }
    glances: dict[str, Making] = {f"glance at {dtype}": partial(glance_kernel, dtype) for dtype in sorted(NATIVE)}
    sums: dict[str, Making] = {f"sum {cut}": partial(accumulate_kernel, cut) for cut in (False, True)}
    scans: dict[str, Making] = {f"scan {alone}": partial(scan_kernel, alone) for alone in (False, True)}
    pools: dict[str, Making] = {f"isotonic {pools}": partial(isotonic_kernel, pools) for pools in (False, True)}
    powers: dict[str, Making] = {"powers": exponential_kernel, "logarithms": logarithm_kernel}
    buckets: dict[str, Making] = {f"buckets {plain}": partial(bucket_kernel, plain) for plain in (False, True)}
    others: dict[str, Making] = {"digest": digest_kernel, "groups": grouped_kernel, "replicates": resample_kernel}
    return {**scans, **sums, **glances, **loaders, **buckets, **pools, **powers, **others}


def kernels_of(losses: Sequence[BoundLoss]) -> dict[str, Making]:
    """The kernels of losses by name: for one column and for several, and for each value of an option that picks a
    formula, save where the loss's text says one."""
    found: dict[str, Making] = {}
    for asked in losses:
        for core in _cores(asked):
            for cell in Settled(asked, core, 2, 2).cells:
                for single in (True, False) if cell.core.loss.elementwise else (False,):
                    name = f"{cell.core}{' of one column' if single else ''}"
                    found[name] = partial(loss_kernel, cell.core, single)
    return found


def _cores(asked: BoundLoss) -> Iterator[BoundLoss]:
    """The declared losses that it may come down to."""
    for form in asked.loss.forms:
        options = {**asked.options, "reduction": asked.loss.reduction}
        yield from _variants(BoundLoss(form.loss, tuple(form.arguments(options, BITS).values())), ())
    if not asked.loss.forms:
        said = [name for name, value in asked.options.items() if value != _default(asked, name)]
        yield from _variants(asked, said)


def _default(asked: BoundLoss, name: str) -> Value:
    option = asked.loss.option(name)
    return option.default if option else None


def _variants(core: BoundLoss, said: Sequence[str]) -> Iterator[BoundLoss]:
    """The loss with each value of the options that pick a formula; what frameworks differ in stays."""
    values = [
        _choices(option, value, option.name in said)
        for option, value in zip(core.loss.options, core.values, strict=True)
    ]
    return (BoundLoss(core.loss, chosen) for chosen in product(*values))


def _choices(option: Option, value: Value, said: bool) -> tuple[Value, ...]:
    if not option.structural or said or (option.param.internal and value != "auto"):
        return (value,)
    # what is found out from the data is one of the others in the end
    return (False, True) if option.type is bool else tuple(choice for choice in option.choices if choice != "auto")
