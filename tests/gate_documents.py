"""Documents for gates, made by hand."""

from __future__ import annotations

from typing import Any


def result(loss: str = "mean_squared_error", value: Any = 0.25, **more: Any) -> dict[str, Any]:
    """A loss's result, with the keys that are always there."""
    said = {"loss": loss, "spec": loss, "options": {}, "reduction": "mean", "value": value, "sum": 25.0}
    rest = {"count": 100, "weight_sum": 100.0, "denominator": 100.0, "stderr": 0.02, "min": 0.0, "max": 3.0}
    return {**said, **rest, "guarded": None, "slices": [], **more}


def part(value: Any, low: float | None = None, high: float | None = None, **more: Any) -> dict[str, Any]:
    """A slice: its columns are named after a `by_`."""
    by = {name.removeprefix("by_"): more.pop(name) for name in list(more) if name.startswith("by_")}
    ci = None if low is None else {"level": 0.95, "low": low, "high": high, "method": "t, linearised"}
    return {"by": by, "value": value, "count": 10, "ci": ci, **more}


def document(*results: dict[str, Any], dropped: dict[str, int] | None = None, **more: Any) -> dict[str, Any]:
    """A call's document: 1,000 rows read."""
    rows = {"read": 1000, "used": 1000 - sum((dropped or {}).values()), "dropped": dropped or {}}
    return {"rows": rows, "columns": {"labels": ["y"]}, "warnings": [], "results": list(results), **more}
