"""The tasks: which files, which loss, who can do them, and how many times the others' time lossctl may take.

Light: peers import it too, and its cost is in their time.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

PEERS = ("polars", "duckdb", "torch", "sklearn")
# `arrow` only decodes; `one` is lossctl with the first loss alone, and nothing else asked for
FLOOR, ONE, OURS = "arrow", "one", "lossctl"
FRAMES = ("polars", "duckdb")
TEN_TIMES = 10

# what a row holds: the columns that say so to lossctl, and the loss that fits
COLUMNS = {
    "binary": ("-y", "y", "-p", "p"),
    "index": ("-y", "label", "-p", "p*"),
    "onehot": ("-y", "y*", "-p", "p*"),
    "logits": ("-y", "label", "-p", "logits"),
}
LOSSES = {
    "binary": "binary_crossentropy",
    "index": "sparse_categorical_crossentropy",
    "onehot": "categorical_crossentropy",
    "logits": "sparse_categorical_crossentropy:from_logits=true",
    "arrays": "sparse_categorical_crossentropy:from_logits=true",
}
MORE_BINARY_LOSSES = (
    "binary_focal_crossentropy",
    "mean_squared_error",
    "mean_absolute_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
    "poisson",
    "hinge",
    "brier_score",
)


class Task(NamedTuple):
    """One measurement: files of one shape of rows; `at_most` are the largest ratios of time that are kept.

    `asked` is what lossctl is asked besides the losses.
    """

    name: str
    shape: str
    files: tuple[str, ...]
    tools: tuple[str, ...]
    at_most_peer: float | None = None
    at_most_floor: float | None = None
    more_losses: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    def paths(self, folder: Path) -> list[str]:
        """Its files in a folder."""
        return [str(folder / name) for name in self.files]

    def ours(self, folder: Path, first_alone: bool = False) -> list[str]:
        """What `lossctl eval` is told."""
        paths = self.paths(folder)
        given = ["-p", paths[0], "-y", paths[1]] if self.shape == "arrays" else [*paths, *COLUMNS[self.shape]]
        losses = (LOSSES[self.shape], *(() if first_alone else self.more_losses))
        asked = () if first_alone else self.asked
        return [*given, *(word for loss in losses for word in ("-l", loss)), *asked, "--json"]


_TASKS = (
    Task("tiny", "binary", ("tiny.csv",), (FLOOR, *PEERS), 1.2, 2.2),
    Task("bin", "binary", ("bin.parquet",), (FLOOR, *PEERS), 0.8, 1.6),
    Task("bin_csv", "binary", ("bin.csv",), (FLOOR, *PEERS), 0.9),
    Task("wide10", "index", ("wide10.parquet",), (FLOOR, *PEERS), 1.2, 1.3),
    Task("wide10_csv", "index", ("wide10.csv",), (FLOOR, *PEERS), 1.0),
    Task("onehot10", "onehot", ("onehot10.parquet",), (FLOOR, *PEERS), None, 1.4),
    Task("fsl100", "logits", ("fsl100.parquet",), (FLOOR, *FRAMES, "torch"), 0.4, 1.5),
    Task("npy100", "arrays", ("l100_z.npy", "l100_y.npy"), (FLOOR, "torch"), 0.35, 1.6),
    # 200 million rows: more than torch and sklearn, which hold all of them at once, should be asked for
    Task("bin10x", "binary", tuple(f"bin10x/{k}.parquet" for k in range(TEN_TIMES)), (FLOOR, *FRAMES), 0.7, 1.3),
    Task("many", "binary", ("bin.parquet",), (ONE,), more_losses=MORE_BINARY_LOSSES),
    Task("spread", "binary", ("bin.parquet",), (ONE,), asked=("--spread", "--hist", "--quantiles", "0.5,0.9")),
    Task("slices", "binary", ("bin.parquet",), (ONE,), asked=("--by", "p:width=0.1")),
    Task("many_slices", "binary", ("bin.parquet",), (ONE,), asked=("--by", "p:width=0.00001")),
    Task("bootstrap", "binary", ("bin.parquet",), (ONE,), asked=("--bootstrap", "200")),
)
TASKS = {task.name: task for task in _TASKS}
TOOLS = (FLOOR, *PEERS)
