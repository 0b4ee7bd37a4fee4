"""The text that a value has as a slice's key: the same whether it comes from a typed file or from a text.

A whole number is `3`, and so are 3.0 and the text "3.0"; other numbers are their shortest decimals; booleans are
`true` and `false`, as are the texts "True" and "FALSE"; dates and times are ISO 8601, a moment with a zone in UTC
with a `Z`, midnight without a zone the date alone. Any other text is as it stands: "3.00", "007" and "1e5" too, since
these may be names.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from lossctl.readers.where_types import DATE

# as pandas, polars, pyarrow and Python itself write a whole float
WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0")
WORDS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false", "NaN": "nan", "-0": "0"}
FIRST = frozenset("-0123456789TFN")
COMMA = re.compile(r"-?[0-9]+,[0-9]+(?:[eE][-+]?[0-9]+)?")
# from here on the shortest decimal of a float has an exponent
EXPONENT = 10**16
SECOND, DAY = 10**9, 86400 * 10**9
EPOCH = date(1970, 1, 1).toordinal()


def of_text(text: str) -> str:
    """A text's key.

    >>> of_text("3.0"), of_text("2024-05-01 12:30:00+02:00"), of_text("007")
    ('3', '2024-05-01T10:30:00Z', '007')
    """
    # most texts are no numbers, and there may be a million of them
    if text[:1] not in FIRST:
        return text
    found = WHOLE.fullmatch(text)
    if found:
        return WORDS.get(found[1], found[1])
    if len(text) > 10 and text[4] == "-":
        when = moment(text)
        return text if when is None else of_moment(*when)
    return WORDS.get(text, text)


def pointed(text: str) -> str:
    """A text of a file with a decimal comma, with a point where it is a number."""
    return text.replace(",", ".") if COMMA.fullmatch(text) else text


def of_number(shortest: str) -> str:
    """A number's key, from its shortest decimal: Python's or numpy's own.

    >>> of_number(repr(3.0)), of_number(repr(-0.0)), of_number(repr(0.1)), of_number(repr(1e16))
    ('3', '0', '0.1', '1e+16')
    """
    found = shortest.removesuffix(".0")
    return "0" if found == "-0" else found


def of_decimal(value: Decimal) -> str:
    """A decimal's key: all of its digits, as files of text have them."""
    return of_text(f"{value:f}")


def of_truth(value: Any) -> str:
    """A boolean's key."""
    return "true" if value else "false"


def of_day(days: int) -> str:
    """The date that is so many days after 1970-01-01.

    >>> of_day(19844), of_day(-719528)
    ('2024-05-01', '0000-01-01')
    """
    if 0 < days + EPOCH <= date.max.toordinal():
        return date.fromordinal(days + EPOCH).isoformat()
    import numpy as np

    return str(np.datetime64(days, "D"))


def of_moment(nanoseconds: int, zoned: bool) -> str:
    """A moment's key, from the time since 1970."""
    days, rest = divmod(nanoseconds, DAY)
    if not rest and not zoned:
        return of_day(days)
    seconds, fraction = divmod(rest, SECOND)
    digits = f".{fraction:09d}".rstrip("0") if fraction else ""
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{of_day(days)}T{clock}{digits}{'Z' if zoned else ''}"


def moment(text: str) -> tuple[int, bool] | None:
    """Nanoseconds since 1970 of a date or time in ISO's form, and whether it has a zone; None for any other text.

    >>> moment("2024-05-01"), moment("1970-01-01T00:00:01Z"), moment("May 1")
    ((1714521600000000000, False), (1000000000, True), None)
    """
    found = DATE.fullmatch(text)
    if found is None or (found[4] and not found[2]):
        return None
    try:
        since = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}") - datetime(1970, 1, 1)
        offset = datetime.fromisoformat(f"2000-01-01T00:00{(found[4] or 'Z').upper()}").utcoffset() or timedelta()
    except ValueError:
        return None
    since -= offset
    whole = (since.days * 86400 + since.seconds) * SECOND
    return whole + int((found[3] or "0").ljust(9, "0")), bool(found[4])


def period_of(days: int, how: str) -> str:
    """The week, month, quarter or year that a day lies in, or the day itself.

    >>> [period_of(19844, how) for how in ("day", "week", "month", "quarter", "year")]
    ['2024-05-01', '2024-W18', '2024-05', '2024-Q2', '2024']
    """
    if how == "week":
        # the year that a week's Thursday lies in is the week's; 1970 began with one
        thursday = days - (days + 3) % 7 + 3
        year = of_day(thursday).rsplit("-", 2)[0]
        return f"{year}-W{(thursday - _first_day(year)) // 7 + 1:02d}"
    said = of_day(days)
    year, month, _ = said.rsplit("-", 2)
    return {
        "day": said,
        "month": f"{year}-{month}",
        "quarter": f"{year}-Q{(int(month) + 2) // 3}",
        "year": year,
    }[how]


def hour_of(hours: int) -> str:
    """The hour that is so many hours after 1970 began, such as `2024-05-01T13`."""
    days, hour = divmod(hours, 24)
    return f"{of_day(days)}T{hour:02d}"


def _first_day(year: str) -> int:
    """A year's first day, counted from 1970-01-01."""
    if year.isdecimal() and 0 < int(year) < 10000:
        return date(int(year), 1, 1).toordinal() - EPOCH
    import numpy as np

    return int(np.datetime64(f"{year}-01-01", "D").astype(np.int64))
