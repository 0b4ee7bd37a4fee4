"""What tells rows apart: a well mixed number of each row's cluster, id or place, the same in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lossctl.audit.rowkeys import position_keys, row_keys

if TYPE_CHECKING:
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.work import Judged
    from lossctl.readers.source import Unit

# apart from the keys of places: a row called 3 is not the row at place 3
NAMED = 1


class Identity:
    """The keys of a unit's rows, block by block."""

    def __init__(self, job: Job, unit: Unit) -> None:
        self.names = job.audit.cluster or job.ids
        self.start = 0 if self.names else job.starts[unit.file, unit.number]
        self._of: Judged | None = None

    def keys(self, judged: Judged) -> np.ndarray:
        """(n,) uint64 of a block's rows."""
        if self._of is not judged:
            self._of, self._keys = judged, self._made(judged)
        return self._keys

    def _made(self, judged: Judged) -> np.ndarray:
        if self.names:
            return row_keys([judged.chunk.values[name] for name in self.names], NAMED)
        block = judged.block
        if block.places is None:
            return position_keys(self.start + block.first, block.rows)
        keys: np.ndarray = position_keys(self.start + block.first, judged.chunk.covered)[block.places]
        return keys
