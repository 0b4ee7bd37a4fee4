"""Proper scoring rules of ensembles, whose members are columns."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, nan, sqrt
from typing import Annotated, Literal

from lossctl.catalogue.arithmetic import Vector, log, power, rounding, square, total
from lossctl.catalogue.declare import CANCELS, Param
from lossctl.catalogue.domain import REAL, Interval
from lossctl.catalogue.registry import loss

Estimator = Annotated[
    Literal["nrg", "fair"],
    Param("pairs of members are divided by m^2, or, as if more could be drawn, by m (m - 1)"),
]
Named = Annotated[
    Literal["nrg", "fair", "pwm", "qd", "int"],
    Param("nrg, and qd and int, divide pairs of members by m^2; fair, and pwm, by m (m - 1)"),
]
ENSEMBLE = "the preds are an ensemble's members, a column each, in any order"


def pairs(m: int, estimator: str) -> float:
    """What the sum over all ordered pairs of m members is divided by; NaN for the pairs of one member."""
    if estimator == "fair" or estimator == "pwm":
        return m * (m - 1.0) if m > 1 else nan
    return float(m) * m


@loss(
    labels=REAL,
    preds=REAL,
    formula="mean_i |p_i - y| - 1/2 mean_ij |p_i - p_j|",
    source="Gneiting & Raftery 2007; Ferro 2014; scoringrules 0.10 crps_ensemble",
    accuracy=CANCELS,
    kin="crps",
    notes=(ENSEMBLE, "fair and pwm are NaN for one member"),
)
def crps_ensemble(y: float, p: Vector, estimator: Named = "nrg") -> float:
    """Continuous ranked probability score of an ensemble.

    mean_i |p_i - y| - 1/2 mean_ij |p_i - p_j|, the second mean over all pairs, or over those of two members.

    >>> crps_ensemble(3.0, [1.0, 2.0, 4.0, 7.0])
    0.75
    >>> round(crps_ensemble(3.0, [1.0, 2.0, 4.0, 7.0], estimator="fair"), 7)
    0.3333333
    """
    near, near_low, apart, apart_low = 0.0, 0.0, 0.0, 0.0
    for i in range(len(p)):
        term = abs(p[i] - y)
        near_low += rounding(near, term)
        near += term
        for j in range(i):
            term = abs(p[i] - p[j])
            apart_low += rounding(apart, term)
            apart += term
    return (near + near_low) / len(p) - (apart + apart_low) / pairs(len(p), estimator)


def members_of(widths: Mapping[str, int]) -> str:
    """What is wrong with the widths of an outcome and of its ensemble."""
    if widths["preds"] % widths["labels"] == 0:
        return ""
    return f"preds holds members of {widths['labels']} columns each, but has {widths['preds']} columns"


def distance(a: Vector, b: Vector, i: int, j: int, d: int) -> float:
    """Euclidean distance of member i of a from member j of b, of d numbers each."""
    high, low = 0.0, 0.0
    for k in range(d):
        term = square(a[i * d + k] - b[j * d + k])
        low += rounding(high, term)
        high += term
    return sqrt(high + low)


@loss(
    labels=REAL,
    preds=REAL,
    formula="mean_i |p_i - y| - 1/2 mean_ij |p_i - p_j|, | | the Euclidean norm",
    source="Gneiting & Raftery 2007; scoringrules 0.10 energy_score",
    accuracy=CANCELS,
    kin="crps",
    fits=members_of,
    notes=("the preds are the members one after the other, each with a column for each of labels",),
)
def energy_score(y: Vector, p: Vector, estimator: Estimator = "nrg") -> float:
    """Energy score: the CRPS of an ensemble of vectors.

    mean_i |p_i - y| - 1/2 mean_ij |p_i - p_j|, with | | the Euclidean norm, the second mean over all pairs, or over
    those of two members.

    >>> round(energy_score([0.0, 0.0], [1.0, 0.0, 0.0, 2.0, 1.0, 1.0]), 7)
    0.9547066
    >>> round(energy_score([0.0, 0.0], [1.0, 0.0, 0.0, 2.0, 1.0, 1.0], estimator="fair"), 7)
    0.6963576
    """
    d, near, apart = len(y), 0.0, 0.0
    m = len(p) // d
    for i in range(m):
        near += distance(p, y, i, 0, d)
        for j in range(i):
            apart += distance(p, p, i, j, d)
    return near / m - apart / pairs(m, estimator)


@loss(
    labels=REAL,
    preds=REAL,
    formula="sum_ij (|y_i - y_j|^e - mean_m |p_mi - p_mj|^e)^2",
    source="Scheuerer & Hamill 2015; scoringrules 0.10 variogram_score",
    accuracy=CANCELS,
    fits=members_of,
    notes=("every pair counts twice, as (i, j) and as (j, i)",),
)
def variogram_score(
    y: Vector,
    p: Vector,
    exponent: Annotated[float, Param("the exponent of each difference", Interval(low=0.0, low_open=True))] = 0.5,
) -> float:
    """Variogram score: how well an ensemble has the differences between the parts of an outcome.

    sum_ij (|y_i - y_j|^e - mean_m |p_mi - p_mj|^e)^2, over all ordered pairs of columns.

    >>> round(variogram_score([0.0, 0.0], [1.0, 0.0, 0.0, 2.0, 1.0, 1.0]), 7)
    1.295206
    >>> variogram_score([0.0, 1.0], [0.0, 1.0])
    0.0
    """
    d, score = len(y), 0.0
    m = len(p) // d
    for i in range(d):
        for j in range(i):
            mean = 0.0
            for k in range(m):
                mean += power(abs(p[k * d + i] - p[k * d + j]), exponent)
            score += 2.0 * square(power(abs(y[i] - y[j]), exponent) - mean / m)
    return score


def sebastiani(gap_square: float, var: float) -> float:
    """gap_square / var + log var, and its limit where the variance is 0."""
    if var == 0.0:
        return inf if gap_square > 0.0 else -inf
    return gap_square / var + log(var)


@loss(
    labels=REAL,
    preds=REAL,
    formula="(y - m)^2 / v + log v, m and v the members' mean and variance (of m - 1)",
    source="Dawid & Sebastiani 1999; scoringrules 0.10 dssuv_ensemble",
    accuracy=CANCELS,
    kin="dawid_sebastiani",
    notes=(ENSEMBLE,),
)
def dawid_sebastiani_ensemble(y: float, p: Vector) -> float:
    """Dawid-Sebastiani score of an ensemble's mean and variance.

    (y - m)^2 / v + log v, with m the mean of the members and v their variance, divided by one less than their number.

    >>> round(dawid_sebastiani_ensemble(3.0, [1.0, 2.0, 4.0, 7.0]), 7)
    1.9816244
    >>> dawid_sebastiani_ensemble(3.0, [1.0, 3.0])
    1.1931471805599454
    """
    # members are measured from the first one: close ones far from 0 keep their digits
    mean = total(q - p[0] for q in p) / len(p)
    var = total(square(q - p[0] - mean) for q in p) / (len(p) - 1.0)
    return sebastiani(square(y - p[0] - mean), var)
