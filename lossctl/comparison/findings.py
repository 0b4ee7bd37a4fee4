"""What a comparison found of each model and loss: the difference with its interval and tests, slices, rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lossctl.audit.error import Error, standard_error
from lossctl.catalogue.reductions import meaning
from lossctl.comparison.asked import DRAWS, SIDES
from lossctl.comparison.changes import ADDED, changed_rows
from lossctl.comparison.paired import Outcomes, Pairs, no_pairs
from lossctl.comparison.work import CLUSTERS
from lossctl.evaluation.findings import deviation
from lossctl.evaluation.jsonable import jsonable
from lossctl.evaluation.slice_order import presented
from lossctl.inference.binomial import sign_test_p
from lossctl.inference.interval import bootstrap_p, percentile_interval, permutation_p, t_interval
from lossctl.inference.multiplicity import CORRECTIONS
from lossctl.inference.student import two_sided
from lossctl.kernels.exactsum import UNIT_EXPONENT, as_float, ratio

if TYPE_CHECKING:
    from lossctl.audit.asked import Audit
    from lossctl.audit.clusters import SliceError
    from lossctl.audit.moments import LossPartial
    from lossctl.audit.replicates import Replicates
    from lossctl.comparison.run import Compared
    from lossctl.evaluation.by import By
    from lossctl.evaluation.settled import Settled
    from lossctl.evaluation.slices import SlicePart

CLUSTERED = "paired t, by cluster"
NULL_TEST: Mapping[str, Any] = {"stderr": None, "df": None, "low": None, "high": None}


class Reduction:
    """How the differences of one loss become one number, as the loss itself does.

    Args:
        settled: the loss.
        reduction: as the call says it.
    """

    def __init__(self, settled: Settled, reduction: str | None) -> None:
        self.ours = meaning(settled.asked, reduction)[1]
        self.outputs = settled.width if settled.elements else 1
        # the rows' own losses are means over their outputs
        self.many = self.outputs if self.ours in ("sum", "batchmean") else 1

    def error(self, rows: LossPartial) -> Error | None:
        """Of independent rows."""
        return standard_error(rows, self.ours, self.outputs)

    def units(self, rows: LossPartial) -> int:
        """What the differences' sum is divided by, in units of the exact sums."""
        if self.ours == "mean":
            return rows.weight
        if self.ours == "sum":
            return 1 << UNIT_EXPONENT
        return (rows.nonzero if self.ours == "sum_by_nonzero_weights" else rows.rows) << UNIT_EXPONENT

    def value(self, rows: LossPartial, units: int) -> float:
        """The sum of some rows over units, rounded once."""
        if rows.special is not None:
            return rows.special
        whole = rows.loss * self.many
        if not units:
            return math.nan
        return as_float(whole) if units == 1 << UNIT_EXPONENT else ratio(whole, units)

    def tested(self, rows: LossPartial, level: float, error: Error | None, test: str = "paired t") -> dict[str, Any]:
        """The difference with its error, interval and p-value."""
        value = self.value(rows, self.units(rows))
        if error is None:
            return {"value": value, **NULL_TEST, "level": level, "p": None, "test": test}
        low, high = t_interval(value, error.stderr, error.df, level)
        found = {"value": value, "stderr": error.stderr, "df": error.df, "low": low, "high": high, "level": level}
        return {**found, "p": t_test_p(value, error.stderr, error.df), "test": test}


def unpaired(value: float, baseline_value: float, level: float) -> dict[str, Any]:
    """Of a loss of the whole file, which rows have no part in: the difference alone."""
    difference = {"value": value - baseline_value, **NULL_TEST, "level": level, "p": None, "test": None}
    return {"difference": difference, "tests": {}}


def t_test_p(value: float, stderr: float, df: float) -> float:
    """Of a difference; where all rows differ by the same it is 0, or 1 where that is nothing."""
    if stderr == 0.0:
        return 1.0 if value == 0.0 else 0.0
    return two_sided(value / stderr, df)


def findings(compared: Compared, k: int, i: int) -> dict[str, Any]:
    """What was found of a model's loss against the baseline's, by its names in the JSON."""
    contest, baseline = compared.contest, compared.evaluations[0].partial
    job, audit = contest.jobs[0], contest.asked.request.audit
    reduction = Reduction(job.losses[i], contest.asked.request.reduction)
    track = contest.tracks.index((k, i))
    pairs = baseline.parts.get("pairs", no_pairs(len(contest.tracks)))
    assert isinstance(pairs, Pairs)
    rows, outcomes = pairs.sums[track], pairs.outcomes[track]
    clusters: Any = baseline.parts.get(CLUSTERS)
    if clusters is None:
        difference = reduction.tested(rows, audit.level, reduction.error(rows))
    else:
        error = clusters.error(track, reduction.ours, reduction.outputs)
        difference = reduction.tested(rows, audit.level, error, CLUSTERED)
    found = {"difference": difference, **counted(outcomes, contest.asked.higher_is_better)}
    found["tests"] = _tests(compared, track, reduction, difference, outcomes)
    if contest.slices:
        found["slices"] = _slices(compared, track, reduction, rows)
    if any(contest.asked.wanted):
        found |= _changes(compared, track)
    return found


def counted(outcomes: Outcomes, higher_is_better: bool) -> dict[str, int]:
    """Rows by who has the better loss; with those that are `undefined`, where there are any, they add up to all."""
    better, worse = (outcomes.higher, outcomes.lower) if higher_is_better else (outcomes.lower, outcomes.higher)
    undefined = {"undefined": outcomes.undefined} if outcomes.undefined else {}
    return {"wins": better, "ties": outcomes.equal, "losses": worse, **undefined}


def _tests(
    compared: Compared, track: int, reduction: Reduction, difference: Mapping[str, Any], outcomes: Outcomes
) -> dict[str, Any]:
    asked = compared.asked
    found: dict[str, Any] = {}
    for test in asked.tests:
        if test == "t":
            value, stderr = difference["value"], difference["stderr"]
            statistic = value / stderr if stderr else None
            found[test] = {"statistic": statistic, "df": difference["df"], "p": difference["p"]}
        elif test == "sign":
            found[test] = {"pairs": outcomes.lower + outcomes.higher, "p": sign_test_p(outcomes.lower, outcomes.higher)}
        else:
            drawn = _drawn(compared, test, track)
            values = [] if drawn is None else [reduction.many * one for one in drawn.values(reduction.ours)]
            said = {"replicates": len(values), "seed": asked.request.audit.seed}
            own = _permuted if test == "permutation" else _resampled
            found[test] = {**said, **own(difference["value"], values, asked.request.audit.level)}
    return found


def _drawn(compared: Compared, test: str, track: int) -> Replicates | None:
    part = compared.evaluations[0].partial.parts.get(DRAWS[test])
    return None if part is None else part.losses[track]  # type: ignore[attr-defined]


def _permuted(value: float, values: Sequence[float], level: float) -> dict[str, Any]:
    return {"p": permutation_p(value, values) if values else None}


def _resampled(value: float, values: Sequence[float], level: float) -> dict[str, Any]:
    if len(values) < 2:
        return {"stderr": None, "low": None, "high": None, "level": level, "method": "percentile", "p": None}
    low, high = percentile_interval(values, level)
    said = {"stderr": deviation(list(values)), "low": low, "high": high, "level": level, "method": "percentile"}
    return {**said, "p": bootstrap_p(values)}


def _slices(compared: Compared, track: int, reduction: Reduction, rows: LossPartial) -> list[dict[str, Any]]:
    """Of each --by the slices, that which explains most of the difference first."""
    parts = compared.evaluations[0].partial.parts
    found: Any = parts.get("slices")
    if found is None:
        return []
    clusters: Any = parts.get(CLUSTERS)
    entries: list[dict[str, Any]] = []
    for place, (by, part) in enumerate(zip(compared.contest.slices, found.each, strict=True)):
        asked = place, track, reduction.ours, reduction.outputs, len(by.parts)
        errors = None if clusters is None else clusters.slices(*asked)
        entries += _of_by(compared.asked.request.audit, by, part, errors, track, reduction, rows)
    return entries


def _of_by(
    audit: Audit, by: By, part: SlicePart, errors: Any, track: int, reduction: Reduction, rows: LossPartial
) -> list[dict[str, Any]]:
    """The slices of one --by; `errors` are those of clusters by slice, None where rows stand alone."""
    places = {key: place for place, key in enumerate(part.keys)}
    entries = []
    for key, shown in presented(by, part.keys):
        own = part.sums[track][0].moment(places[key])
        if errors is None:
            tested = reduction.tested(own, audit.level, reduction.error(own))
        else:
            tested = reduction.tested(own, audit.level, cluster_error_of(errors.get(key)), CLUSTERED)
        entries.append({"by": shown, "spec": str(by), **_contribution(own, rows, reduction), "difference": tested})
    adjusted = CORRECTIONS[audit.correction]([entry["difference"]["p"] for entry in entries])
    for entry, p in zip(entries, adjusted, strict=True):
        entry["difference"] |= {"p_adjusted": p, "correction": audit.correction}
    return sorted(entries, key=lambda entry: _foremost(entry["contribution"]))


def cluster_error_of(error: SliceError | None) -> Error | None:
    """A slice's error by its clusters; None where it has too few of them."""
    return None if error is None or error.stderr is None else Error(error.stderr, error.clusters - 1)


def _contribution(own: LossPartial, rows: LossPartial, reduction: Reduction) -> dict[str, Any]:
    """What a slice adds to the difference of all rows, which those of a --by add up to."""
    finite = own.special is None and rows.special is None
    return {
        "count": own.rows,
        "weight_sum": as_float(own.weight),
        "contribution": reduction.value(own, reduction.units(rows)),
        "share": ratio(own.loss, rows.loss) if rows.loss and finite else None,
    }


def _foremost(contribution: float) -> float:
    return -math.inf if math.isnan(contribution) else -abs(contribution)


def _changes(compared: Compared, track: int) -> dict[str, Any]:
    """The rows that changed most, as JSON has them."""
    wanted = dict(zip(SIDES, compared.asked.wanted, strict=True))
    found: dict[str, Any] = {side: [] for side, count in wanted.items() if count}
    for _, side, table in changed_rows(compared.evaluations[0], {}, {track: ("", "")}):
        own = table.column_names[len(ADDED) :]
        for row in table.to_pylist():
            *_, rank, difference, baseline, model, file, number = (row[one] for one in ADDED)
            losses = {"difference": difference, "baseline_loss": baseline, "loss": model}
            columns = {one: jsonable(row[one]) for one in own}
            found[side].append({"rank": rank, **losses, "file": file, "row": number, "columns": columns})
    return found
