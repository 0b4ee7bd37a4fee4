"""Labels from elsewhere, as a caller puts it: where they are, and the keys that join them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lossctl.errors import UsageError, nearest

if TYPE_CHECKING:
    from lossctl.readers.join import Join


def join_of(
    labels_from: Any, on: str | Sequence[str] | Mapping[str, str] | None, on_unmatched: str, by_position: bool
) -> Join | None:
    """How labels are brought to the preds; None where they lie beside them.

    Args:
        labels_from: paths, or data as `evaluate` takes it.
        on: the key columns: names or `pred_id=label_id`, or a mapping of the preds' to the labels'.
        on_unmatched: "error" or "drop".
        by_position: whether rows belong together by their number.

    Raises:
        UsageError: words that do not go together.
    """
    if labels_from is None and on is None and on_unmatched == "error" and not by_position:
        return None
    words = ("error", "drop")
    if on_unmatched not in words:
        close = nearest(str(on_unmatched), words)
        raise UsageError(f"on_unmatched must be one of error, drop, got {on_unmatched!r}{close}")
    from lossctl.api.inputs import inputs
    from lossctl.readers.join import Join, joined_on

    keys = joined_on(labels_from is not None, on, on_unmatched == "drop", by_position)
    files, _ = inputs([labels_from] if isinstance(labels_from, str | os.PathLike) else labels_from, {}, again=True)
    if not files:
        raise UsageError("--labels-from names no file")
    return Join(files, keys, on_unmatched)
