"""lossctl: judge a file of predictions."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lossctl.api.catalogue import losses
    from lossctl.api.compare import compare
    from lossctl.api.comparison import Comparison
    from lossctl.api.evaluate import evaluate
    from lossctl.api.evidence import merge, verify
    from lossctl.api.inspect import inspect
    from lossctl.api.metric import Accumulator, Metric, metric
    from lossctl.api.objective import Audited, run, total
    from lossctl.api.result import Result
    from lossctl.catalogue.arithmetic import Index, Vector, room
    from lossctl.catalogue.declare import Param
    from lossctl.catalogue.domain import Domain, Interval
    from lossctl.catalogue.own import loss
    from lossctl.errors import DataError, GateError, LossctlError, UsageError
    from lossctl.evaluation.survey import Survey
    from lossctl.evaluation.verify import Verification
    from lossctl.objective.total import Totals

__version__ = "0.1.0"
# public name to its home; each is imported when it is first asked for
_HOMES = {
    "losses": "lossctl.api.catalogue",
    "compare": "lossctl.api.compare",
    "Comparison": "lossctl.api.comparison",
    "evaluate": "lossctl.api.evaluate",
    **dict.fromkeys(("merge", "verify"), "lossctl.api.evidence"),
    "inspect": "lossctl.api.inspect",
    **dict.fromkeys(("Accumulator", "Metric", "metric"), "lossctl.api.metric"),
    **dict.fromkeys(("Audited", "run", "total"), "lossctl.api.objective"),
    "Result": "lossctl.api.result",
    "Survey": "lossctl.evaluation.survey",
    "Totals": "lossctl.objective.total",
    "Verification": "lossctl.evaluation.verify",
    **dict.fromkeys(("Index", "Vector", "room"), "lossctl.catalogue.arithmetic"),
    **dict.fromkeys(("Param",), "lossctl.catalogue.declare"),
    **dict.fromkeys(("Domain", "Interval"), "lossctl.catalogue.domain"),
    **dict.fromkeys(("loss",), "lossctl.catalogue.own"),
    **dict.fromkeys(("DataError", "GateError", "LossctlError", "UsageError"), "lossctl.errors"),
}
__all__ = [
    "Accumulator",
    "Audited",
    "Comparison",
    "DataError",
    "Domain",
    "GateError",
    "Index",
    "Interval",
    "LossctlError",
    "Metric",
    "Param",
    "Result",
    "Survey",
    "Totals",
    "UsageError",
    "Vector",
    "Verification",
    "__version__",
    "compare",
    "evaluate",
    "inspect",
    "loss",
    "losses",
    "merge",
    "metric",
    "room",
    "run",
    "total",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lossctl' has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
