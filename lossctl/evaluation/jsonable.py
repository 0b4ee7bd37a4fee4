"""A cell of a table as JSON can hold it."""

from __future__ import annotations

import datetime
import decimal
from typing import Any


def jsonable(value: Any) -> Any:
    """Dates in ISO's form, bytes in hexadecimal, decimals as texts; lists and structs likewise."""
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [jsonable(one) for one in value]
    if isinstance(value, dict):
        return {str(name): jsonable(one) for name, one in value.items()}
    return str(value) if isinstance(value, decimal.Decimal | datetime.timedelta) else value
