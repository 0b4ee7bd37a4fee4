"""What was asked, resolved and complete: pure data that pickles and can be printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from lossctl.audit.asked import Audit
from lossctl.catalogue.spec import BoundLoss
from lossctl.evaluation.settled import Settled
from lossctl.evaluation.shape import LabelMap, Note, Rest, Shape
from lossctl.readers.places import ReadSettings
from lossctl.readers.source import Source

if TYPE_CHECKING:
    from lossctl.catalogue.naming import OnEmpty
    from lossctl.evaluation.by import By
    from lossctl.readers.join import Join

OnBad = Literal["error", "drop", "keep"]


# what starts empty and is never written to
EMPTY: Mapping[tuple[int, int], int] = {}


class Request(NamedTuple):
    """One `eval`, as the user put it.

    Attributes:
        files: paths, "-", or sources that are open already.
        losses: with their options bound.
        roles: role to column selector, as given; roles not given are found by name.
        classes: class names in order, where labels are names.
        ids: columns that name rows in unreduced output.
        across: the losses are versions of one: those that these columns do not fit are left out.
        reduction: a name of ours or of the losses' framework; None for each loss's own default.
        on_bad: what happens to unusable rows.
        on_empty: what a zero denominator gives; None for what each loss's framework gives.
        class_weights: what each class counts, in class order or by name.
        ignore_index: rows with this label are left out of every loss.
        max_dropped: a share in [0, 1] or a count, or None.
        keep_dropped: the places of dropped rows are kept, for who wants to save them.
        threads: how many work at once; 0 takes the processors there are.
        batch_rows: rows a block; 0 takes what suits the width.
        label_map: the labels' numbers by their text.
        label_base: what the first class is called, where labels are indices.
        from_log_probs: preds are natural logarithms of probabilities.
        pred_scale: what preds are multiplied by.
        num_classes: how many classes there are, where preds list some of them.
        rest: what the classes get that a row of preds does not list.
        long: the columns of example, class and probability, where a row is of one example and class.
        where: filters that must all hold; other rows are not read.
        join: where the labels are, if they lie in files of their own.
        audit: what is asked for besides the plain numbers.
        behind: what the columns' names have had put behind them, as `@new`, where several models stand in one table.
    """

    files: tuple[str | Source, ...]
    losses: tuple[BoundLoss, ...]
    roles: Mapping[str, str | tuple[str, ...]]
    classes: tuple[str, ...] | None = None
    ids: tuple[str, ...] = ()
    reduction: str | None = None
    on_bad: OnBad = "error"
    on_empty: OnEmpty | None = None
    class_weights: tuple[float, ...] | dict[str, float] | None = None
    ignore_index: int | None = None
    across: bool = False
    max_dropped: float | int | None = None
    keep_dropped: bool = False
    threads: int = 0
    batch_rows: int = 0
    read: ReadSettings = ReadSettings()
    label_map: LabelMap | None = None
    label_base: int | None = None
    from_log_probs: bool = False
    pred_scale: float | None = None
    num_classes: int | None = None
    rest: Rest | None = None
    long: tuple[str, str, str] | None = None
    where: tuple[str, ...] = ()
    join: Join | None = None
    audit: Audit = Audit()
    behind: str = ""

    @property
    def shapes(self) -> dict[str, object]:
        """What was said of the shape of labels and preds, by name; what was not said is absent."""
        said = {
            "label_map": self.label_map.to_dict() if self.label_map else None,
            "label_base": self.label_base,
            "from_log_probs": self.from_log_probs or None,
            "pred_scale": self.pred_scale,
            "num_classes": self.num_classes,
            "rest": self.rest,
            "long": list(self.long) if self.long else None,
        }
        return {name: value for name, value in said.items() if value is not None}


class Job(NamedTuple):
    """A request whose files were opened and whose roles were filled: all that a unit of work needs.

    Attributes:
        sources: the inputs, in order.
        columns: role to column names; a role that no file fills is absent.
        widths: role to how many numbers a row has.
        losses: settled for these columns.
        classes: class names in order, where labels are names.
        classes_count: K, or the number of pred columns.
        one_hot: labels are class indices that a loss over class vectors reads as one-hot rows.
        shape: how the numbers of some roles are made of what the file holds.
        notes: what was decided about the columns and deserves a look.
        audit: what is asked for besides the plain numbers.
        ids: columns that name rows.
        slices: what `audit.by` asks for, with every edge settled.
        starts: the number, from 0 over all inputs, of each unit's first row, where the audit needs it.
    """

    sources: tuple[Source, ...]
    columns: dict[str, tuple[str, ...]]
    widths: dict[str, int]
    losses: tuple[Settled, ...]
    classes: tuple[str, ...] | None
    classes_count: int
    one_hot: bool
    class_weights: tuple[float, ...] | None
    ignore_index: int | None
    on_bad: OnBad
    batch_rows: int
    keep_dropped: bool = False
    shape: Shape = Shape()
    notes: tuple[Note, ...] = ()
    audit: Audit = Audit()
    ids: tuple[str, ...] = ()
    starts: Mapping[tuple[int, int], int] = EMPTY
    slices: tuple[By, ...] = ()
