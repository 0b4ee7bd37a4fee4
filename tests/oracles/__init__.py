"""Every loss by other hands: mpmath forms of the formulas, one module a family; `whole` has its own way.

An oracle takes one row, role to exact numbers, and the options, and returns the loss to 60 digits.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

import mpmath
import numpy as np
from mpmath import mpf

from lossctl.catalogue.spec import BoundLoss
from tests.oracles.words import Oracle

mpmath.mp.dps = 60

ORACLES: dict[str, Oracle] = {}
for family in (module.name for module in pkgutil.iter_modules(__path__) if module.name not in ("whole", "words")):
    ORACLES.update(importlib.import_module(f"tests.oracles.{family}").ORACLES)


def oracle(bound: BoundLoss, arrays: Mapping[str, np.ndarray]) -> list[mpf]:
    """The true losses of some rows; `arrays` are (n, K) by role."""
    exact = {
        role: [list(map(mpf, map(float, row))) for row in array.reshape(len(array), -1)]
        for role, array in arrays.items()
    }
    count = len(next(iter(exact.values())))
    rows = ({role: values[i] for role, values in exact.items()} for i in range(count))
    return [ORACLES[bound.loss.name](row, bound.options) for row in rows]
