"""Names of no framework that mean one formula or another, by the shape of the columns."""

from __future__ import annotations

from lossctl.catalogue.naming import Framework, Line, form, name

NAMES: dict[Framework | None, tuple[Line, ...]] = {
    None: (name("brier_score brier", form("binary_brier_score", "one pred"), form("multiclass_brier_score")),),
}
