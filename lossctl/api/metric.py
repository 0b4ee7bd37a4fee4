"""A loss as a function of arrays, and as sums that grow batch by batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lossctl.api.call import LossLike, bind_losses, refuse_words, request_of, weights_by_class
from lossctl.api.evaluate import evaluate
from lossctl.api.inputs import Selector
from lossctl.api.surroundings import ready
from lossctl.errors import UsageError
from lossctl.evaluation.shape_words import class_names

if TYPE_CHECKING:
    from lossctl.catalogue.spec import BoundLoss
    from lossctl.evaluation.partial import Partial
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.result import Report
    from lossctl.evaluation.run import Evaluation

# words of `evaluate` that a metric takes besides the loss's options
WORDS = ("reduction", "classes", "class_weights", "ignore_index", "on_bad", "on_empty", "threads")


def metric(loss: LossLike, **options: Any) -> Metric:
    """A loss as a function `(y_true, y_pred, sample_weight=None) -> float`.

    It has a `__name__`, pickles, and is safe to call from several threads. For scikit-learn it goes through
    `make_scorer` with `greater_is_better=False`, and `response_method="predict_proba"` for a loss of probabilities.

    Args:
        loss: a name such as "huber" or "torch.HuberLoss:delta=2", or a declared function.
        **options: options of the loss, and any of `reduction`, `classes`, `class_weights`, `ignore_index`, `on_bad`,
            `on_empty` and `threads` as `evaluate` has them.

    Raises:
        UsageError: an unknown name or option, or a value out of range.

    Example:
        >>> import lossctl
        >>> huber = lossctl.metric("huber", delta=2)
        >>> huber([1.0, 2.0, 9.0], [1.5, 2.0, 5.0])
        2.0416666666666665
        >>> huber.__name__
        'huber'
    """
    words = {name: options.pop(name) for name in WORDS if name in options}
    bound, *others = bind_losses(loss, options, WORDS)
    if others or words.get("reduction") == "none":
        raise UsageError("a metric is one number: of one loss, and reduced")
    refuse_words([bound], **words)
    for name, plain in (("classes", class_names), ("class_weights", weights_by_class)):
        if name in words:
            words[name] = plain(words[name])
    return Metric(str(bound), words)


@dataclass(frozen=True)
class Metric:
    """A loss with its options, as a function of arrays; made by `metric`.

    Example:
        >>> import lossctl
        >>> lossctl.metric("mae")([0.0, 0.0], [1.0, 3.0], sample_weight=[3.0, 1.0])
        1.5
    """

    spec: str
    words: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def __name__(self) -> str:
        """The loss's name."""
        return self.spec.partition(":")[0]

    def __call__(self, y_true: Selector, y_pred: Selector, sample_weight: Selector | None = None) -> float:
        """The loss of some rows.

        Args:
            y_true: (n,) or (n, K) labels.
            y_pred: (n,) or (n, K) preds.
            sample_weight: (n,) weights, finite and >= 0.

        Raises:
            UsageError: shapes that do not fit the loss.
            DataError: values that it cannot use.
        """
        return evaluate(loss=self.spec, labels=y_true, preds=y_pred, weights=sample_weight, **self.words).value

    def accumulator(self) -> Accumulator:
        """Sums that start empty; a loss that hangs on all rows at once, such as a median, has none to grow."""
        (bound,) = bind_losses(self.spec, {})
        return Accumulator(self, bound)


class Accumulator:
    """The exact sums of a loss, which grow batch by batch and merge in any order to the same bits.

    An instance belongs to one thread at a time; merge those of several. Pickles.

    Example:
        >>> import lossctl
        >>> one, other = (lossctl.metric("mse").accumulator() for _ in range(2))
        >>> one.update([1.0, 2.0], [1.0, 4.0]).value()
        2.0
        >>> other.update([0.0], [5.0]).merge(one).value() == lossctl.metric("mse")([1.0, 2.0, 0.0], [1.0, 4.0, 5.0])
        True
    """

    def __init__(self, metric: Metric, bound: BoundLoss) -> None:
        self._metric, self._bound = metric, bound
        self._job: Job | None = None
        self._partial: Partial | None = None

    def update(self, y_true: Selector, y_pred: Selector, sample_weight: Selector | None = None) -> Accumulator:
        """Add a batch; nothing of it is added where it is refused.

        Args:
            y_true: (n,) or (n, K) labels.
            y_pred: (n,) or (n, K) preds.
            sample_weight: (n,) weights, finite and >= 0; in every batch or in none.

        Returns:
            Itself.

        Raises:
            UsageError: the batch has other shapes, or another precision where that matters, than those before; or
                the loss hangs on all rows at once (a median, a rank).
            DataError: values that the loss cannot use.
        """
        from lossctl.evaluation.run import run_batch

        ready()
        selectors = {"labels": y_true, "preds": y_pred, "weights": sample_weight}
        request = request_of(None, [self._bound], selectors=selectors, **self._metric.words)
        evaluation = run_batch(request)
        return self._take(evaluation.plan.job, evaluation.partial)

    def merge(self, other: Accumulator) -> Accumulator:
        """Add all that another one holds, which stays as it is.

        Returns:
            Itself.

        Raises:
            UsageError: the other is of another loss, other options or other shapes.
        """
        if not isinstance(other, Accumulator):
            raise UsageError(f"merge takes another accumulator, got {type(other).__name__}")
        if other._metric != self._metric:
            raise UsageError(f"cannot merge {other._metric.spec} into {self._metric.spec}: another recipe")
        return self if other._job is None or other._partial is None else self._take(other._job, other._partial)

    def value(self) -> float:
        """The loss of all rows so far.

        Raises:
            DataError: there are none, or their weights are all 0, and `on_empty` does not say what that gives.
        """
        return self.report().results[0].value

    @property
    def count(self) -> int:
        """The rows that were used."""
        return 0 if self._partial is None else self._partial.used

    def report(self) -> Report:
        """All that is known: value, sum, denominator, standard error, extremes, the row account.

        Raises:
            DataError: as `value`.
        """
        return self._evaluation().report()

    def _evaluation(self) -> Evaluation:
        from lossctl.errors import DataError
        from lossctl.evaluation.plan import Plan, Units
        from lossctl.evaluation.run import Evaluation

        if self._job is None or self._partial is None:
            raise DataError(f"{self._metric.spec}: no batch was added yet, so there is no value")
        request = request_of((), [self._bound], selectors={}, **self._metric.words)
        return Evaluation(request, Plan(self._job, Units(()), {}), self._partial)

    def _take(self, job: Job, partial: Partial) -> Accumulator:
        from lossctl.readers.npy import MemorySource

        # a batch's own arrays are not kept
        job = job._replace(sources=(MemorySource({}, "batches"),), batch_rows=0)
        if self._job is not None and job != self._job:
            raise UsageError(f"{self._metric.spec}: {_difference(self._job, job)}")
        self._job = job
        # where its rows stood is forgotten, so that an accumulator never grows
        added = partial._replace(unit_rows={(0, 1): partial.read}, offences=(), dropped=())
        both = added if self._partial is None else self._partial.merge(added)
        self._partial = both._replace(unit_rows={(0, 0): both.read})
        return self


def _difference(one: Job, other: Job) -> str:
    for role in {**one.widths, **other.widths}:
        before, now = one.widths.get(role), other.widths.get(role)
        if before != now:
            said = ["no column" if width is None else f"{width} a row" for width in (before, now)]
            return f"the batches differ: {role} had {said[0]} before and {said[1]} now"
    return "the batches differ in their precision; give all in one floating type"
