"""Student's t for many numbers at once, in the bits of `inference.student`: the same operations in the same order.

Whatever is out of the ordinary (no number, a t beyond 1e150, degrees of freedom below 1 or beyond 1e15) is left to
the function for one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lossctl.catalogue.special import INVERSE_SQRT_PI
from lossctl.inference import elementary as one
from lossctl.inference import normal, student
from lossctl.inference.beta import SETTLED
from lossctl.inference.interval import outside_share
from lossctl.inference.solve import NEAR_HALF, SMALL

if TYPE_CHECKING:
    Floats: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"

# what is worked on together: its numbers stay in a cache
CHUNK = 4096
FAR, FEWEST, MOST = 1e150, 1.0, 1e15


def t_intervals(value: Floats, stderr: Floats, df: Floats, level: float) -> tuple[Floats, Floats]:
    """(n,) the ends of `t_interval`; NaN where the standard error is."""
    half = stderr * -quantiles(float(outside_share(level)), df)
    # an estimate without an error is its own interval, whatever its df
    half[stderr == 0.0] = 0.0
    return value - half, value + half


def welch_dfs(se1: Floats, df1: Floats, se2: Floats, df2: Floats) -> Floats:
    """(n,) the degrees of freedom of `welch_df`."""
    turned = (se2 > se1) | ((se2 == se1) & (df2 > df1))
    large, df_large = np.where(turned, se2, se1), np.where(turned, df2, df1)
    small, df_small = np.where(turned, se1, se2), np.where(turned, df1, df2)
    with np.errstate(all="ignore"):
        ratio = (small / large) * (small / large)
        spread = 1.0 / df_large + np.where(ratio > 0.0, ratio * ratio / df_small, 0.0)
        found = np.where(spread > 0.0, (1.0 + ratio) * (1.0 + ratio) / spread, np.inf)
    sound = (large > 0.0) & np.isfinite(large) & (df_large > 0.0) & (small >= 0.0)
    # a ratio above 0 needs the smaller one's df too
    return np.where(sound & ((ratio == 0.0) | (df_small > 0.0)), found, np.nan)


def two_sided(t: Floats, df: Floats) -> Floats:
    """(n,) the p-value of each t."""
    size = np.abs(t)
    plain = (size > 0.0) & (size < FAR) & (df >= FEWEST) & (df <= MOST)
    found = np.empty(len(t))
    found[plain] = 2.0 * _chunked(_beyond, size[plain], df[plain])
    odd = zip(t[~plain].tolist(), df[~plain].tolist(), strict=True)
    found[~plain] = [student.two_sided(*pair) for pair in odd]
    return found


def quantiles(p: float, df: Floats) -> Floats:
    """(n,) the t that a variable of each df is below with probability p."""
    unlike, places = np.unique(df, return_inverse=True)
    ordinary = 0.0 < p < 1.0 and abs(p - 0.5) >= NEAR_HALF
    plain = (unlike >= FEWEST) & (unlike <= MOST) if ordinary else np.zeros(len(unlike), bool)
    found = np.empty(len(unlike))
    far = partial(_far, min(p, 1.0 - p))
    found[plain] = np.copysign(_chunked(far, unlike[plain]), p - 0.5)
    found[~plain] = [student.quantile(p, df) for df in unlike[~plain].tolist()]
    return found[places.reshape(df.shape)]


def _chunked(function: Callable[..., Floats], *columns: Floats) -> Floats:
    found = np.empty(len(columns[0]))
    with np.errstate(all="ignore"):
        for first in range(0, len(found), CHUNK):
            rows = slice(first, first + CHUNK)
            found[rows] = function(*(column[rows] for column in columns))
    return found


def _exp(x: Floats) -> Floats:
    """`elementary.exp`."""
    twos = np.rint(x * one.PER_LOG_2)
    r = (x - twos * one.LOG_2_HIGH) - (twos * one.LOG_2_LOW - 0.0)
    size = 1.0 + (r + r * r * one.polynomial(one.EXP_TERMS, r))  # type: ignore[arg-type]
    held: Floats = np.ldexp(size, np.clip(twos, -1100.0, 1100.0).astype(np.int32))
    return np.where(x > -746.0, np.where(x < 710.0, held, x + np.inf), 0.0)


def _log_ratio(s: Floats) -> Floats:
    square = s * s
    found: Floats = 2.0 * s + 2.0 * s * square * one.polynomial(one.ATANH_TERMS, square)  # type: ignore[arg-type]
    return found


def _log(x: Floats) -> Floats:
    """`elementary.log` of what is finite and above 0."""
    part, twos = np.frexp(x)
    low = part < one.SQRT_HALF
    part, twos = np.where(low, part * 2.0, part), twos - low
    return twos * one.LOG_2_HIGH + (twos * one.LOG_2_LOW + _log_ratio((part - 1.0) / (part + 1.0)))


def _log1p(x: Floats) -> Floats:
    """`elementary.log1p`."""
    whole = 1.0 + x
    lost = np.where(x < 1e16, x - (whole - 1.0), 0.0)
    return np.where(x < 0.4, _log_ratio(x / (2.0 + x)), _log(whole) + lost / whole)


def _gamma_ratio(b: Floats) -> Floats:
    """`special.gamma_ratio`."""
    near = b < 30.0
    x = np.where(near, b + 16.0, b)
    s = 1.0 / ((x - 0.25) * (x - 0.25))
    high = 631.0 / 524288.0 + s * (-174317.0 / 134217728.0 + s * (20491783.0 / 8589934592.0))
    large = np.sqrt(x - 0.25) * (1.0 + s * (1.0 / 64.0 + s * (-19.0 / 8192.0 + s * high)))
    if not near.any():
        return large * 1.0
    products = [_product(b, first) for first in (0.0, 0.5, 8.0, 8.5)]
    held = (products[0] / products[1]) * (products[2] / products[3])
    return large * np.where(near, held, 1.0)


def _product(b: Floats, first: float) -> Floats:
    """Of eight factors."""
    found = b + first
    for k in range(1, 8):
        found = found * (b + (first + k))
    return found


class _Places:
    """What `student._Place` tells, of many."""

    def __init__(self, t: Floats, df: Floats, scale: Floats) -> None:
        ratio = t * t / df
        self.a, self.y, self.x = 0.5 * df, ratio / (1.0 + ratio), 1.0 / (1.0 + ratio)
        self.scale, self.power = scale * np.sqrt(self.y), -self.a * _log1p(ratio)
        self.tail = self.y > 3.0 / (self.a + 4.0)

    def fraction(self) -> Floats:
        """(k,) of those in the tail."""
        a, x, y = self.a[self.tail], self.x[self.tail], self.y[self.tail]
        return _beta_fraction(a, x, y, (a + 0.5) * y - 0.5)

    def inner(self) -> Floats:
        """(k,) the probability between 0 and t of the others."""
        centre = ~self.tail
        front = self.scale[centre] * _exp(self.power[centre])
        return front * _series(self.a[centre], self.y[centre])


def _scale(df: Floats) -> Floats:
    return INVERSE_SQRT_PI * _gamma_ratio(0.5 * df)


def _beyond(t: Floats, df: Floats) -> Floats:
    """The probability beyond t, for t > 0."""
    place = _Places(t, df, _scale(df))
    outer = np.empty(len(t))
    tail = place.tail
    outer[tail] = 0.5 * (place.scale[tail] * _exp(place.power[tail])) * place.fraction()
    outer[~tail] = 0.5 - place.inner()
    return outer


def _far(q: float, df: Floats) -> Floats:
    """`student._far`: the t > 0 that is passed with probability q."""
    target, scale = one.log(q), _scale(df)
    found, t, left = np.empty(len(df)), _rough(target, df), np.arange(len(df))
    while len(left):
        move = _step(target, t, df, scale)
        t = t * _exp(move)
        done = np.abs(move) < SMALL
        found[left[done]] = t[done]
        left = left[~done]
        t, df, scale = (column[~done] for column in (t, df, scale))
    return found


def _step(target: float, t: Floats, df: Floats, scale: Floats) -> Floats:
    """How far log t is to go: by Halley's method in the logarithms of t and of the probability beyond it."""
    place = _Places(t, df, scale)
    reached, elasticity = np.empty(len(t)), np.empty(len(t))
    tail, centre = place.tail, ~place.tail
    if tail.any():
        fraction = place.fraction()
        reached[tail] = _log(0.5 * place.scale[tail] * fraction) + place.power[tail]
        elasticity[tail] = 2.0 / fraction
    if centre.any():
        outer = 0.5 - place.inner()
        reached[centre] = _log(outer)
        elasticity[centre] = place.scale[centre] * _exp(place.power[centre]) / outer
    bend = 1.0 - (df + 1.0) * place.y + elasticity
    newton = (reached - target) / elasticity
    held = 1.0 + 0.5 * newton * bend
    return np.where((held > 0.5) & (held < 2.0), newton / held, newton)


def _rough(log_q: float, df: Floats) -> Floats:
    z = normal.rough_upper_point(log_q) * (8.0 * df + 3.0) / (8.0 * df + 1.0)
    grown = z * z / df
    near = np.sqrt(np.where(grown > 1e-4, _exp(grown) - 1.0, grown))
    return np.sqrt(df) * np.where(grown > 40.0, _exp(0.5 * grown), near)


def _beta_fraction(a: Floats, x: Floats, y: Floats, lead: Floats) -> Floats:
    """`beta_fraction` with b = 0.5; each number is done when its own fraction has settled."""
    found, left, n, b = np.empty(len(a)), np.arange(len(a)), 0.0, 0.5
    over = result = a / (a + 1.0) * (lead + 1.0)
    under = np.zeros(len(a))
    while len(left):
        n += 1.0
        odd = a + 2.0 * n - 1.0
        turn = n * (b - n) * x / odd
        above = (a + n - 1.0) * (a + b + n - 1.0) / odd * x * turn
        below = n + turn + (a + n) / (odd + 2.0) * (lead + 1.0 + n * (1.0 + y))
        under, over = 1.0 / (below + above * under), below + above / over
        change = over * under
        result = result * change
        done = np.abs(change - 1.0) <= SETTLED
        if done.any():
            found[left[done]] = 1.0 / result[done]
            left, columns = left[~done], (a, x, y, lead, over, under, result)
            a, x, y, lead, over, under, result = (column[~done] for column in columns)
    return found


def _series(a: Floats, y: Floats) -> Floats:
    """`student._series`: a sum that is done does not change any more where its terms go on."""
    total, term, n = np.ones(len(a)), np.ones(len(a)), 1.0
    while (going := term > total * 1e-17).any():
        term = np.where(going, term * ((a + n - 0.5) * y / (n + 0.5)), 0.0)
        total = total + term
        n += 1.0
    return total
