"""Values that the frameworks themselves gave, against the plain functions; each to the digits recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest

from lossctl.catalogue.spec import bind

Rows = Mapping[str, Sequence[float]]
E_HALF = math.exp(0.5)


def pair(labels: Sequence[float] | float, preds: Sequence[float] | float, **more: float) -> Rows:
    """Roles by name, each a row of numbers."""
    given: dict[str, Sequence[float] | float] = {"labels": labels, "preds": preds, **more}
    return {role: [x] if isinstance(x, int | float) else x for role, x in given.items()}


TWO = pair([2, 1], [1, 3])
KL = pair([1, 0, 0.5, 0.5], [math.log(p) for p in (0.5, 0.5, 0.25, 0.75)])

VALUES: list[tuple[str, Rows, str]] = [
    # divergences
    ("kl_from_logs", KL, "0.2092471"),
    ("kl_from_logs", pair(0, -math.inf), "0"),
    ("kl_from_logs", pair(0.5, -math.inf), "inf"),
    ("kl_from_logs:log_target=true", pair(-math.inf, math.log(0.5)), "0"),
    ("kl_divergence", pair([1, 0], [0.5, 0.5]), "0.6931456"),
    ("kl_divergence:epsilon=0", pair([1, 0], [0.5, 0.5]), "0.6931472"),
    ("kl_divergence", pair([0.5, 0.5], [0, 1]), "7.365901"),
    ("kl_divergence:epsilon=0", pair([0.5, 0.5], [0, 1]), "inf"),
    ("kl_divergence:epsilon=0", pair([0, 1], [0, 1]), "0"),
    ("kl_divergence", pair([2], [0.5]), "0.6931472"),
    ("generalized_kl", pair([1, 0], [0.5, 0.5]), "0.6931472"),
    ("generalized_kl", pair([0.5, 0.5], [0, 1]), "inf"),
    ("generalized_kl:from_logs=true", pair([1, 0], [math.log(0.5)] * 2), "0.6931472"),
    # counts
    ("poisson", pair(3, E_HALF), "0.148721"),
    ("poisson:guard=floor,epsilon=1e-10", pair(3, E_HALF), "0.1487213"),
    ("poisson", pair(1, -1), "nan"),
    ("poisson_nll", pair(3, 0.5), "0.1487213"),
    ("poisson_nll:log_input=false", pair(3, E_HALF), "0.1487213"),
    ("poisson_nll:full=true", pair(3, 0.5), "1.912803"),
    ("poisson_nll:log_input=false,full=true", pair(3, E_HALF), "1.912803"),
    ("poisson_nll:full=true", pair(1, 0.5), "1.148721"),
    ("poisson_nll:log_input=false", pair(1, 0), "18.4207"),
    ("poisson_nll:log_input=false", pair(0, 0), "0"),
    ("poisson_nll:log_input=false", pair(1, -1), "nan"),
    # deviances and their relatives
    ("poisson_deviance", pair(3, E_HALF), "0.8891163"),
    ("tweedie_deviance:power=-1", TWO, "5.333333"),
    ("tweedie_deviance:power=0", TWO, "2.5"),
    ("tweedie_deviance:power=1", TWO, "1.2876821"),
    ("poisson_deviance", TWO, "1.2876821"),
    ("tweedie_deviance", TWO, "0.9619479"),
    ("tweedie_deviance:power=2", TWO, "0.7387984"),
    ("gamma_deviance", TWO, "0.7387984"),
    ("tweedie_deviance:power=3", TWO, "0.4722222"),
    ("gamma_deviance:epsilon=1e-9,added=pred", TWO, "0.7387984"),
    ("tweedie_deviance:power=1", pair(0, 1), "2"),
    ("poisson_deviance", pair(0, 1), "2"),
    ("tweedie_deviance", pair(0, 2), "5.6568542"),
    ("tweedie_deviance", pair(2, E_HALF), "0.0527994"),
    ("tweedie_nll", pair(2, E_HALF), "5.683254"),
    ("tweedie_nll:epsilon=1e-10", pair(2, E_HALF), "5.683254"),
    ("gamma_nll", TWO, "1.7159728"),
    ("gamma_nll:epsilon=1e-6", TWO, "1.7159728"),
    # normal likelihoods
    ("gaussian_nll", pair(0, 1, var=4), "0.8181472"),
    ("gaussian_nll", pair(0, 1, var=0), "499993.09"),
    ("gaussian_nll:full=true", pair(0, 1, var=4), "1.7370857"),
    ("gaussian_nll:full=true", pair(3, 2, var=2.25), "1.5466259"),
    ("gaussian_nll_log_scale", pair(3, 2, log_scale=math.log(1.5)), "1.5466259"),
    # relative and logarithmic errors
    ("mean_absolute_percentage_error", pair(0, 1), "1000000000"),
    ("mean_absolute_percentage_error", pair(0.5, 1), "100"),
    ("mean_absolute_percentage_error:epsilon=2.220446049250313e-16,percent=1", pair(0, 1), "4.5036E+15"),
    ("mean_absolute_percentage_error:epsilon=0,percent=1", pair(0, 1), "inf"),
    ("mean_absolute_percentage_error:epsilon=0,percent=1", pair(0, 0), "nan"),
    ("mean_absolute_percentage_error:epsilon=0,percent=1", pair(-0.5, -1), "1"),
    ("mean_absolute_percentage_error:epsilon=1,percent=1", pair(0, 1), "1"),
    ("mean_absolute_percentage_error:epsilon=1,percent=1", pair(0.5, 1), "0.5"),
    ("smape", pair(1, 3), "100"),
    ("smape", pair(0, 0), "0"),
    ("mean_squared_logarithmic_error", pair(-5, 1), "0.4804529"),
    ("mean_squared_logarithmic_error:clamped=false", pair([0, 3], [1, 2]), "0.281607"),
    ("mean_squared_logarithmic_error:clamped=false", pair(-2, -1.5), "nan"),
    ("mean_squared_logarithmic_error:clamped=false", pair(-5, 1), "nan"),
    # errors, robust and otherwise
    ("huber:delta=2", pair(0, 3), "4"),
    ("huber:delta=0.9", pair(0, 3), "2.295"),
    ("half_squared_error", pair(0, 3), "4.5"),
    ("smooth_l1:beta=2", pair(0, 3), "2"),
    ("smooth_l1:beta=2", pair(0, 1), "0.25"),
    ("smooth_l1:beta=0", pair(0, -3), "3"),
    ("pseudo_huber:delta=2", pair(0, 3), "3.2111026"),
    ("log_cosh", pair(0, 100), "99.3068528"),
    ("log_cosh", pair(0, 1e-4), "5.000E-9"),
    ("fair", pair(0, 3), "1.6137056"),
    ("lq:q=3", pair(0, 2), "8"),
    ("tukey_biweight:c=2", pair(0, 3), "0.6666667"),
    # quantiles and expectiles
    ("pinball:alpha=0.9", pair(1, 0), "0.9"),
    ("pinball:alpha=0.9", pair(0, 1), "0.1"),
    ("pinball:alpha=0.9,dead_zone=1e-6", pair(1, 0), "0.8999991"),
    ("pinball:dead_zone=1e-6", pair(0, 1), "0.4999995"),
    ("pinball:dead_zone=1e-6", pair(0, 1e-7), "0"),
    ("expectile:alpha=0.9", pair(2, 0), "3.6"),
    ("expectile:alpha=0.9", pair(0, 2), "0.4"),
    # counted errors
    ("num_errors:greater_than=1", pair(0, 1), "0"),
    ("num_errors:greater_than=1", pair(0, 1.5), "1"),
    ("zero_one", pair([0, 1, 2], [0, 2, 2]), "0.333"),
    ("zero_one", pair(0, math.nan), "nan"),
    ("num_errors", pair(math.nan, 0), "nan"),
    ("binary_error", pair([1, 0, 1, 0], [0.7, 0.7, 0.5, 0.5]), "0.5"),
    ("binary_error:threshold=0.4", pair(0.3, 0.5), "0.7"),
    ("binary_error", pair(1, math.nan), "nan"),
]

# XGBoost's float32 predictions, by way of exp, are off by a few units in their last place
SINGLE: list[tuple[str, Rows, float]] = [
    ("gamma_deviance:epsilon=1e-6", TWO, 0.7387977),
    ("tweedie_deviance:power=2,epsilon=1e-6", TWO, 0.7387977),
]


@pytest.mark.parametrize(("spec", "rows", "recorded"), VALUES)
def test_a_recorded_value_holds(spec: str, rows: Rows, recorded: str) -> None:
    value, expected = evaluated(spec, rows), Decimal(recorded)
    if not expected.is_finite():
        assert str(value) == recorded
        return
    # some were printed from float32, which may be off by one in the last digit
    last = 10.0 ** int(expected.as_tuple().exponent)
    assert value == pytest.approx(float(expected), rel=1e-12, abs=last if "." in recorded else 1e-12)


@pytest.mark.parametrize(("spec", "rows", "recorded"), SINGLE)
def test_a_value_recorded_in_single_precision_holds(spec: str, rows: Rows, recorded: float) -> None:
    assert evaluated(spec, rows) == pytest.approx(recorded, rel=2.0**-21)
    without = spec.split(":")[0] + (":power=2" if "power" in spec else "")
    assert evaluated(without, rows) - evaluated(spec, rows) == pytest.approx(9.4e-7, rel=0.05)


def evaluated(spec: str, rows: Rows) -> float:
    """The plain loss of one row: the mean of its columns, or of its classes as a whole."""
    bound = bind(spec, {})
    values = [[float(x) for x in rows[role.name]] for role in bound.loss.roles]
    if bound.loss.elementwise:
        cells = [bound.loss.function(*cell, *bound.values) for cell in zip(*values, strict=True)]
        return sum(cells) / len(cells)
    return bound.loss.function(*values, *bound.values)
