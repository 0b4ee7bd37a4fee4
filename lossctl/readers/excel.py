"""Excel's .xlsx, whose first sheet is read whole."""

from __future__ import annotations

import zipfile
from collections import Counter
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lossctl.errors import DataError
from lossctl.readers.arrow import brief
from lossctl.readers.files import facts, on_disk

if TYPE_CHECKING:
    from lossctl.readers.memory import TableSource

# the one member that tells a workbook from other archives
CONTENT = "[Content_Types].xml"


def is_workbook(path: str) -> bool | None:
    """Whether a zip archive is a workbook; None where it is no whole archive."""
    try:
        with on_disk(path) as local, zipfile.ZipFile(local) as archive:
            return CONTENT in archive.namelist()
    # a RuntimeError says that a later version of zip is needed
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):
        return None


def workbook(path: str) -> TableSource:
    """The first sheet as a table, its first row naming the columns.

    Raises:
        DataError: openpyxl is not installed, a broken file, an empty sheet, or two columns of one name.
    """
    from lossctl.readers.memory import TableSource

    return TableSource(_table(path, *facts(path)), path, "xlsx")


@lru_cache(maxsize=4)
def _table(path: str, size: int, changed: int) -> Any:
    import pyarrow as pa

    cells = _cells(path)
    if not len(cells):
        raise DataError(f"{path}: the first sheet is empty, expected column names in its first row")
    header, body = cells.iloc[0].tolist(), cells.iloc[1:]
    names = ["" if name != name else str(name) for name in header]
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{path}: the first row names column {twice!r} twice, expected distinct names")
    return pa.table({name: _column(body.iloc[:, i].tolist()) for i, name in enumerate(names)})


def _cells(path: str) -> Any:
    """The cells as they are: no header, no guess at what is missing beyond the empty ones."""
    if find_spec("openpyxl") is None:
        raise DataError(f"{path}: .xlsx is read through openpyxl; pip install 'lossctl[excel]'")
    import pandas as pd

    try:
        with on_disk(path) as local:
            return pd.read_excel(
                local, header=None, dtype=object, keep_default_na=False, na_values=[""], engine="openpyxl"
            )
    except DataError:
        raise
    except Exception as error:
        # openpyxl and the XML beneath raise what they like
        raise DataError(f"{path}: not a whole .xlsx file: {brief(error) or type(error).__name__}") from None


def _column(cells: list[Any]) -> Any:
    """Numbers where all cells are, booleans likewise, and texts otherwise; an empty cell is null."""
    import pyarrow as pa

    values = [None if cell is None or cell != cell else cell for cell in cells]
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int}:
        return pa.array(values, pa.int64() if kinds else pa.float64())
    if kinds <= {int, float}:
        return pa.array(values, pa.float64())
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    return pa.array([None if value is None else str(value) for value in values], pa.string())
