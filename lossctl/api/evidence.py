"""`lossctl.verify` and `lossctl.merge`: results checked by evaluating them again, and put together from shards."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from lossctl.api.audit import audit_words
from lossctl.api.call import refuse_words
from lossctl.api.compare import refuse_comparison
from lossctl.api.result import Result
from lossctl.api.surroundings import ready
from lossctl.catalogue.registry import names
from lossctl.errors import DataError, UsageError, said_of

if TYPE_CHECKING:
    from lossctl.evaluation.request import Request
    from lossctl.evaluation.verify import Verification

Paths: TypeAlias = "str | os.PathLike[str] | Sequence[str | os.PathLike[str]]"


def verify(
    result: str | os.PathLike[str] | Mapping[str, Any],
    *,
    data: Paths = (),
    labels_from: Paths = (),
    threads: int = 0,
) -> Verification:
    """Evaluate or compare again as a result's recipe says, and tell whether all is the same, or what changed.

    A file with losses of your own is not run because a document names it: declare them first. Nor is a file
    fetched from a network, unless it is named here.

    Args:
        result: the file that `--json` or `to_json` of a Result or Comparison wrote, or the document itself. Paths in
            it are relative to the working directory.
        data: where the data are, in place of the files that it names; arrays in the order of its roles, and the files
            of a comparison in the order of its models.
        labels_from: likewise of labels that lie in files of their own.
        threads: as `evaluate` has it.

    Returns:
        A Verification: `match`, and `changes` with what is not the same: data, recipe, functions, version or values.

    Raises:
        DataError: no document of a result, or data that its recipe refuses.
        UsageError: the data were given in memory and are not named, or a loss that is not declared here.
        GateError: more rows are dropped than the recipe allows.

    Example:
        >>> import lossctl
        >>> document = lossctl.evaluate("samples/diabetes.csv", loss="mae").to_dict()
        >>> document["results"][0]["value"] += 1.0
        >>> lossctl.verify(document).changes[0].what
        'values'
    """
    from lossctl.evaluation.document import check_document, read_document

    where = "result" if isinstance(result, Mapping) else os.fspath(result)
    document = result if isinstance(result, Mapping) else read_document(where)
    check_document(document, where)
    _refuse_undeclared(document["recipe"], where)
    if "models" not in document["recipe"]:
        return _evaluated(document, _paths(data), _paths(labels_from), threads, where)
    if _paths(labels_from):
        raise UsageError(f"{where} is of a comparison, whose labels are its models'; name these with --data")
    return _compared(document, _paths(data), threads, where)


def _evaluated(
    document: Mapping[str, Any], data: tuple[str, ...], labels: tuple[str, ...], threads: int, where: str
) -> Verification:
    from lossctl.evaluation.document import judged_again
    from lossctl.evaluation.recipe import Named, request_of
    from lossctl.evaluation.run import run
    from lossctl.evaluation.verify import verified

    request = request_of(document["recipe"], Named(data, labels), where)._replace(threads=threads)
    if request.reduction == "none":
        raise UsageError(f"{where} has a loss a row and no values to verify")
    _refuse_words(request, where)
    ready()
    now = judged_again(document, run(request).report().to_dict(), where)
    return verified(document, now, request.losses, bool(data or labels))


def _compared(document: Mapping[str, Any], data: tuple[str, ...], threads: int, where: str) -> Verification:
    from lossctl.comparison.recipe import comparison_of, fingerprint_of
    from lossctl.comparison.report import report
    from lossctl.comparison.run import compare
    from lossctl.evaluation.document import judged_again
    from lossctl.evaluation.verify import verified

    asked = comparison_of(document["recipe"], data, where)
    asked = asked._replace(request=asked.request._replace(threads=threads))
    _refuse_words(asked.request, where)
    with said_of(where, DataError):
        refuse_comparison(asked)
    ready()
    now = judged_again(document, report(compare(asked)).to_dict(), where)
    return verified(document, now, asked.request.losses, bool(data), fingerprint_of)


def merge(partials: Paths, *, allow_duplicates: bool = False) -> Result:
    """Put shards together: what one evaluation of all their files gives, bit for bit.

    Args:
        partials: the files that `eval --save` or `Result.save` wrote. The inputs are listed in this order; the numbers
            do not depend on it.
        allow_duplicates: the same rows may be counted more than once.

    Returns:
        A Result without rows of its own; it can be saved and merged again.

    Raises:
        DataError: a file that is damaged, or no partial.
        UsageError: partials of different recipes, the same one twice, or a loss that is not declared here.
        GateError: more rows were dropped than the recipe allows.

    Example:
        >>> import os, tempfile
        >>> import lossctl
        >>> folder = tempfile.mkdtemp()
        >>> for name in ("diabetes.csv", "diabetes.parquet"):
        ...     lossctl.evaluate(f"samples/{name}", loss="mae").save(os.path.join(folder, name))
        >>> lossctl.merge([os.path.join(folder, name) for name in sorted(os.listdir(folder))]).rows.read
        884
    """
    from lossctl.evaluation.saved import merged

    return Result(merged(_paths(partials), allow_duplicates))


def _paths(given: Paths) -> tuple[str, ...]:
    some = (given,) if isinstance(given, str | os.PathLike) else given
    return tuple(os.fspath(path) for path in some)


def _refuse_words(request: Request, where: str) -> None:
    words = request.audit._asdict()
    with said_of(where, DataError):
        # a recipe tells the bins where none were asked for, too
        words["bins"] = words["bins"] if words["calibration"] else None
        audit_words(ci=words.pop("level"), **words)
        refuse_words(
            request.losses[: 1 if request.across else None],
            reduction=request.reduction,
            on_bad=request.on_bad,
            on_empty=request.on_empty,
            ignore_index=request.ignore_index,
            where=request.where,
        )


def _refuse_undeclared(recipe: Mapping[str, Any], where: str) -> None:
    """Refuse losses of a file that nobody has run here.

    Raises:
        UsageError: naming the file.
    """
    entries = [entry for entry in recipe.get("functions") or () if isinstance(entry, Mapping)]
    losses = [text.partition(":")[0] for text in recipe.get("losses") or () if isinstance(text, str)]
    missing = next((name for name in losses if name not in names()), None) if entries else None
    if missing is not None:
        files = ", ".join(str(entry.get("path")) for entry in entries)
        raise UsageError(
            f"{where}: its loss {missing!r} is declared in {files}, which is run only where you name it: "
            "--functions FILE"
        )
