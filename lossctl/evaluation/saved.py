"""A shard's partial in a file, and several put together: what one run over all of their files gives, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce as fold
from typing import Any, BinaryIO, NamedTuple

from lossctl import __version__
from lossctl.audit.digest import Digest
from lossctl.catalogue.reductions import meaning
from lossctl.catalogue.spec import ENCODING
from lossctl.errors import DataError, LossctlError, UsageError
from lossctl.evaluation.codec import CodecError, packed, unpacked
from lossctl.evaluation.evidence import NO_NAMES
from lossctl.evaluation.partial import Partial
from lossctl.evaluation.plan import Plan, Units
from lossctl.evaluation.recipe import difference, recipe_of, request_told
from lossctl.evaluation.recorded import Recorded
from lossctl.evaluation.request import Job, Request
from lossctl.evaluation.run import Evaluation, check_max_dropped
from lossctl.evaluation.settled import Settled
from lossctl.readers.source import Source, read_by

FORM = 1


class Saved(NamedTuple):
    """What a file of a partial holds.

    Attributes:
        form: of the file; another one is another lossctl's.
        version: the lossctl that wrote it.
        recipe: what was asked.
        job: how it was settled; its sources are recorded only.
        partial: all that was added up.
    """

    form: int
    version: str
    recipe: dict[str, Any]
    job: Job
    partial: Partial


def save(evaluation: Evaluation, file: BinaryIO, called: Mapping[str, str] = NO_NAMES) -> None:
    """Write the partial of an evaluation; some paths are called otherwise.

    Raises:
        UsageError: rows or losses that cannot be put together from parts.
    """
    _refuse_whole(evaluation.request, evaluation.plan.job)
    try:
        file.write(packed(_saved(evaluation, called)))
    except CodecError as error:
        raise UsageError(f"--save: {error}") from None


def _saved(evaluation: Evaluation, called: Mapping[str, str]) -> Saved:
    job, partial = evaluation.plan.job, evaluation.partial
    recipe = recipe_of(evaluation.request, job, called)
    sources: tuple[Source, ...] = tuple(_recorded(source, partial.digest, called) for source in job.sources)
    # what is of this run alone is left out
    job = job._replace(sources=sources, batch_rows=0, keep_dropped=False)
    kept = partial._replace(offences=(), dropped=(), unit_rows=dict(sorted(partial.unit_rows.items())))
    return Saved(FORM, __version__, recipe, job, kept)


def _recorded(source: Source, run: Digest, called: Mapping[str, str]) -> Source:
    if isinstance(source, Recorded):
        return source
    decimal_comma = any(getattr(one, "decimal_comma", False) for one in read_by([source]))
    return Recorded(called.get(source.path, source.path), source.format, decimal_comma, run)


def _refuse_whole(request: Request, job: Job) -> None:
    """Refuse what hangs on all rows at once.

    Raises:
        UsageError: naming it.
    """
    if request.reduction == "none":
        raise UsageError("--save keeps sums, and --reduction none has a loss a row; save the rows with -o")
    if request.join is not None:
        raise UsageError(
            "--save goes without --labels-from: whether every key stands alone shows only over all rows at once; "
            "save the joined rows in files first"
        )
    if request.long is not None:
        raise UsageError("--save goes without --long: the rows of an example might lie in several shards")
    audit = request.audit
    ahead = [name for name, said in (("--worst", audit.worst), ("--best", audit.best)) if said]
    ahead += ["--exact-quantiles"] if audit.exact_quantiles else []
    if ahead:
        raise UsageError(f"--save keeps sums and no rows, which {ahead[0]} looks at again; leave it out")
    cut = next((text for text in audit.by if ":quantile=" in text), None)
    if cut is not None:
        raise UsageError(
            f"--save: the bins of --by '{cut}' hang on all rows at once; give them, as :edges=18,30,65 or :width=10"
        )
    if audit.bootstrap and not (request.ids or audit.cluster):
        raise UsageError(
            "--save with --bootstrap draws rows by their number, which a shard does not know; name them by --id COLUMN"
        )
    for settled in job.losses:
        ahead = hangs_on_all(settled, job, request.reduction)
        if ahead:
            said = "; label_encoding in its name settles how labels are spelt" if ahead == [ENCODING] else ""
            raise UsageError(f"--save: {settled} hangs on all rows at once, so that no sums by shards give it{said}")


def hangs_on_all(settled: Settled, job: Job, reduction: str | None) -> list[str]:
    """The arguments of a loss that were found by a look at all rows."""
    asked = settled.asked
    # the bits of the preds change a guard alone
    core = asked.settled(job.widths, 64, meaning(asked, reduction)[0])
    return [option.name for option in core.open_options]


def opened(path: str) -> Saved:
    """What a file of a partial holds.

    Raises:
        DataError: it cannot be read, is damaged or none, or is of another version.
        UsageError: a loss of the user's own that is not declared here.
    """
    try:
        with open(path, "rb") as file:
            found = unpacked(file)
    except OSError as error:
        raise DataError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except CodecError as error:
        if isinstance(error.__cause__, LossctlError):
            raise UsageError(f"{path}: {error}; --functions FILE declares losses of your own") from None
        raise DataError(f"{path} is no partial that eval --save wrote, or is damaged: {error}") from None
    if not isinstance(found, Saved) or found.form != FORM or not _sound(found):
        raise DataError(f"{path} is no partial that this lossctl can read; save it again")
    if found.version != __version__:
        raise DataError(f"{path} was saved by lossctl {found.version}, this is {__version__}; save it again")
    return found


def _sound(saved: Saved) -> bool:
    """Whether its parts are what they should be."""
    job, partial = saved.job, saved.partial
    if not (isinstance(saved.recipe, dict) and isinstance(job, Job) and isinstance(partial, Partial)):
        return False
    sums = [settled.sums for settled in job.losses]
    recorded = all(isinstance(source, Recorded) for source in job.sources)
    return recorded and [len(entry) for entry in partial.losses] == sums and isinstance(partial.digest, Digest)


def merged(paths: Sequence[str], allow_duplicates: bool = False) -> Evaluation:
    """The evaluation that one run over all files gives.

    Args:
        paths: files of partials; their inputs are listed in this order, the numbers do not depend on it.
        allow_duplicates: the same rows may be counted more than once.

    Raises:
        DataError: a file that cannot be read.
        UsageError: partials of different recipes, or the same one twice.
        GateError: more rows were dropped than the recipe allows.
    """
    if not paths:
        raise UsageError("name the partials to merge; eval --save writes them")
    saved = [opened(path) for path in paths]
    for path, one in zip(paths[1:], saved[1:], strict=True):
        _refuse_other(paths[0], saved[0], path, one)
    if not allow_duplicates:
        _refuse_twice(paths, saved)
    sources = tuple(source for one in saved for source in one.job.sources)
    starts = _starts(saved)
    partial = fold(Partial.merge, (one.partial.behind(start) for one, start in zip(saved, starts, strict=True)))
    request = _request(saved)
    check_max_dropped(request, partial)
    job = saved[0].job._replace(sources=sources)
    return Evaluation(request, Plan(job, Units(()), {}), partial)


def _starts(saved: Sequence[Saved]) -> Iterator[int]:
    """How many files stand before each one's."""
    before = 0
    for one in saved:
        yield before
        before += len(one.job.sources)


def _request(saved: Sequence[Saved]) -> Request:
    """The first one's, with the files of all; several arrays side by side are no files that one run could read."""
    request = request_told(saved[0].recipe)
    if len(saved) == 1:
        return request
    files = tuple(name for one in saved for name in one.recipe["files"])
    return request._replace(files=files, roles={})


def _refuse_other(first: str, one: Saved, path: str, other: Saved) -> None:
    told = difference(one.recipe, other.recipe)
    if told is not None:
        raise UsageError(f"{path} is of another recipe than {first}: {told}")
    mine, theirs = (saved.job._replace(sources=()) for saved in (one, other))
    for name in Job._fields:
        if getattr(mine, name) != getattr(theirs, name):
            raise UsageError(f"{path} cannot be merged with {first}: {_unlike(name)}")


def _unlike(name: str) -> str:
    """Why two jobs of one recipe differ in an attribute."""
    if name == "losses":
        return "the preds are of another precision, which changes the guard of a loss; save all in one type"
    return f"the files differ in their {name.replace('_', ' ')}"


def _refuse_twice(paths: Sequence[str], saved: Sequence[Saved]) -> None:
    seen: dict[Source, str] = {}
    for path, one in zip(paths, saved, strict=True):
        for source in one.job.sources:
            if source in seen:
                both = f"{path} and {seen[source]} both hold" if path != seen[source] else f"{path} holds"
                raise UsageError(f"{both} the rows of {source.path} twice; --allow-duplicates counts them twice")
            seen[source] = path
