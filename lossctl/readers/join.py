"""Labels that lie in files of their own, joined to the preds by key or by position, and what is refused in that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from lossctl.errors import DataError, UsageError, nearest
from lossctl.readers import files, matching
from lossctl.readers.aligned import JoinAccount, Labels, WithLabels
from lossctl.readers.filtered import Filtered
from lossctl.readers.keys import ROWS, KeyKind, KindChangedError, Layout, Side, agreed, arrow_of, key_batches
from lossctl.readers.matching import Found, Match, UnsortedError, hashed, merged
from lossctl.readers.roles import listing
from lossctl.readers.scratch import Scratch
from lossctl.readers.source import Source, within

# bytes that a row takes at the least, where a file does not tell its rows
ROW_BYTES = 8


class Join(NamedTuple):
    """How labels are brought to the preds.

    Attributes:
        labels_from: paths, or sources that are open already.
        on: pairs of key columns, of the preds and of the labels; empty for row by row.
        on_unmatched: "error" or "drop".
        lacked: what a row of the preds, and one of the labels, has no other of, in words.
    """

    labels_from: tuple[str | Source, ...]
    on: tuple[tuple[str, str], ...] = ()
    on_unmatched: str = "error"
    lacked: tuple[str, str] = ("a label", "a pred")


def joined_on(
    labels: bool, on: str | Sequence[str] | Mapping[str, str] | None, drop: bool, by_position: bool
) -> tuple[tuple[str, str], ...]:
    """The key columns of the preds and of the labels; none of them where rows are joined by position.

    Args:
        labels: whether labels from elsewhere are given.
        on: names or `pred_id=label_id`, several parted by commas too; or the preds' names to the labels'.
        drop: whether rows that have no other may be dropped.
        by_position: whether rows belong together by their number.

    Raises:
        UsageError: words that do not go together, or are no columns.
    """
    if not labels:
        alone = "--on" if on else "--by-position" if by_position else "--on-unmatched"
        raise UsageError(f"{alone} joins labels from elsewhere: say where they are with --labels-from FILE")
    if on and by_position:
        raise UsageError("--on and --by-position each say how the labels are joined; give one of them")
    if not on and not by_position:
        raise UsageError("--labels-from needs a key, as --on id, or --by-position where row i belongs to row i")
    if by_position and drop:
        raise UsageError("--on-unmatched drop goes with --on: by position, every row has its other")
    return key_pairs(on)


def key_pairs(on: str | Sequence[str] | Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """The key columns of the preds and of the labels.

    >>> key_pairs(["id", "fold=part"])
    (('id', 'id'), ('fold', 'part'))

    Raises:
        UsageError: an empty name, or a key twice.
    """
    if isinstance(on, Mapping):
        return tuple((str(mine), str(theirs)) for mine, theirs in on.items())
    entries = [on] if isinstance(on, str) else list(on or ())
    parts = [part.partition("=") for entry in entries for part in entry.split(",")]
    pairs = tuple((mine.strip(), theirs.strip() if equals else mine.strip()) for mine, equals, theirs in parts)
    if not all(mine and theirs for mine, theirs in pairs):
        raise UsageError(f"--on takes columns, as id, pred_id=label_id or id,fold, got {','.join(entries)!r}")
    if len(set(pairs)) < len(pairs):
        raise UsageError(f"--on names a key twice: {','.join(entries)}")
    return pairs


def joined(
    preds: tuple[Source, ...], labels: tuple[Source, ...], join: Join, drop_duplicates: bool
) -> tuple[Source, ...]:
    """The preds with the labels' columns beside them.

    Args:
        preds: the files of the predictions.
        labels: those that `join` names, opened.
        join: how they belong together.
        drop_duplicates: rows whose key is not alone are left out, instead of refused.

    Raises:
        DataError: keys or lengths that do not match, as `join` allows.
        UsageError: no such key columns.
    """
    for source in (*preds, *labels):
        if not source.rereadable:
            raise DataError(f"a join reads {source.path} more than once, and it comes one way; save it in a file first")
    scratch = Scratch()
    try:
        if not join.on:
            return _by_position(preds, labels, scratch)
        return _by_key(preds, labels, join, drop_duplicates, scratch)
    except BaseException:
        scratch.remove()
        raise


def _by_position(preds: tuple[Source, ...], labels: tuple[Source, ...], scratch: Scratch) -> tuple[Source, ...]:
    layouts = [_counted(sources) for sources in (preds, labels)]
    if layouts[0].rows != layouts[1].rows:
        told = " and ".join(f"{_paths(side.sources)} {side.rows:,}" for side in layouts)
        raise DataError(f"--by-position pairs row by row, but {told} rows; --on COLUMN joins them by a key")
    paths = tuple(source.path for source in labels)
    account = JoinAccount(paths, (), layouts[1].rows, 0, 0, 0, 0, "position")
    return _beside(layouts[0], Labels(labels, (), scratch, None), account)


def _counted(sources: tuple[Source, ...]) -> Layout:
    """Where the units begin, without keys."""
    layout = Layout(sources)
    for file, source in enumerate(sources):
        layout.files.append(layout.rows)
        names = [column.name for column in source.columns()][:1]
        for unit in source.units(file):
            layout.units[file][unit.number] = layout.rows
            layout.rows += sum(chunk.covered for chunk in source.read(unit, names, 1 << 17))
    return layout


def _beside(layout: Layout, labels: Labels, account: JoinAccount) -> tuple[Source, ...]:
    return tuple(
        WithLabels(source, labels, first, account) for source, first in zip(layout.sources, layout.units, strict=True)
    )


def _by_key(
    preds: tuple[Source, ...], labels: tuple[Source, ...], join: Join, drop_duplicates: bool, scratch: Scratch
) -> tuple[Source, ...]:
    sides = Side(preds, tuple(mine for mine, _ in join.on)), Side(labels, tuple(theirs for _, theirs in join.on))
    for side in sides:
        _refuse_missing(side)
    layouts, match, found, method = _matched(sides, scratch)
    _refuse(sides, layouts, found, join, drop_duplicates)
    on = tuple(mine if mine == theirs else f"{mine}={theirs}" for mine, theirs in join.on)
    account = JoinAccount(tuple(s.path for s in labels), on, layouts[1].rows, *found.counts, method)
    return _beside(layouts[0], Labels(labels, sides[1].names, scratch, match), account)


def _refuse_missing(side: Side) -> None:
    for source in side.sources:
        there = [column.name for column in source.columns()]
        for name in side.names:
            if name not in there:
                raise UsageError(f"--on: {source.path} has no column {name!r}{nearest(name, there)} {listing(there)}")


def _matched(sides: tuple[Side, Side], scratch: Scratch) -> tuple[tuple[Layout, Layout], Match, Found, str]:
    """The match of all rows; where text turns up in a column of numbers that may be read as text, it is."""
    text: frozenset[int] = frozenset()
    while True:
        read = sides[0].with_text(text), sides[1].with_text(text)
        try:
            return _merged_or_hashed(read, agreed(*read), scratch)
        except KindChangedError as changed:
            if changed.column in text:
                raise DataError(str(changed)) from None
            text |= {changed.column}


def _merged_or_hashed(
    sides: tuple[Side, Side], kinds: list[KeyKind], scratch: Scratch
) -> tuple[tuple[Layout, Layout], Match, Found, str]:
    def run(method: Callable[..., Found], *more: int) -> tuple[tuple[Layout, Layout], Match, Found]:
        layouts, match = (Layout(sides[0].sources), Layout(sides[1].sources)), Match(scratch)
        batches = [key_batches(side, kinds, layout) for side, layout in zip(sides, layouts, strict=True)]
        found = method(*batches, match, *more)
        match.end(layouts[0].rows)
        return layouts, match, found

    try:
        return *run(merged), "merge"
    except UnsortedError:
        rows = max(sum(map(_rows, side.sources)) for side in sides)
        parts = 1 if rows <= matching.FEW_ROWS else min(matching.MOST_PARTS, -(-rows // matching.PART_ROWS))
        return *run(hashed, parts), "hash"


def _rows(source: Source) -> int:
    """How many rows a source has; at the most, where it does not tell."""
    try:
        return source.rows if source.rows is not None else files.facts(source.path).size // ROW_BYTES
    except DataError:
        # it lies in no file
        return 0


def _paths(sources: Sequence[Source]) -> str:
    more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
    return f"{sources[0].path}{more}"


def _refuse(
    sides: tuple[Side, Side], layouts: tuple[Layout, Layout], found: Found, join: Join, drop_twice: bool
) -> None:
    """Raise for what does not match one to one and may not be dropped.

    Raises:
        DataError: the counts by side, the first places with their keys, and the flags that help.
    """
    preds, labels = _paths(sides[0].sources), _paths(sides[1].sources)
    filtered = any(within(source, Filtered) for source in sides[0].sources)
    matching_where = " that matches --where" if filtered else ""
    said = (
        f"{_many(found.unmatched_preds, 'row')} of {preds} without {join.lacked[0]}",
        f"{_many(found.unmatched_labels, 'row')} of {labels} without {join.lacked[1]}{matching_where}",
        f"{_many(found.duplicate_preds, 'key')} more than once in {preds}",
        f"{_many(found.duplicate_labels, 'key')} more than once in {labels}",
    )
    # labels whose preds were filtered away are counted, and no fault of either file
    unmatched = found.unmatched_preds or (found.unmatched_labels and not filtered)
    flags = {"--on-unmatched drop": bool(unmatched) and join.on_unmatched != "drop"}
    flags |= {"--on-bad drop": any(found.counts[2:]) and not drop_twice}
    needed = [flag for flag, helps in flags.items() if helps]
    if not needed:
        return
    counts = ", ".join(text for text, count in zip(said, found.counts, strict=True) if count)
    on = ", ".join(dict.fromkeys(sides[0].names))
    shown = "; ".join(_examples(sides, layouts, found))
    remedy = f"{' with '.join(needed)} leaves such rows out and counts them"
    raise DataError(f"the join on {on} is not one to one: {counts} ({shown}). {remedy}")


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _examples(sides: tuple[Side, Side], layouts: tuple[Layout, Layout], found: Found) -> list[str]:
    """Up to three places, of each kind in turn."""
    turns = [
        (kind % 2, rows[i]) for i in range(matching.SHOWN) for kind, rows in enumerate(found.first) if i < len(rows)
    ]
    return [_example(sides[k], layouts[k], row) for k, row in list(dict.fromkeys(turns))[: matching.SHOWN]]


def _example(side: Side, layout: Layout, row: int) -> str:
    keys = ", ".join(f"{name} {value}" for name, value in zip(side.names, _key(side, layout, row), strict=True))
    return f"{layout.place(row)}: {keys}"


def _key(side: Side, layout: Layout, row: int) -> list[str]:
    """The key of a row as its file has it."""
    file = max(i for i, first in enumerate(layout.files) if first <= row)
    number = max(number for number, first in layout.units[file].items() if first <= row)
    at = layout.units[file][number]
    for unit in side.sources[file].units(file):
        if unit.number == number:
            for chunk in side.sources[file].read(unit, list(dict.fromkeys(side.names)), ROWS):
                if at <= row < at + chunk.covered:
                    places = [at + p for p in chunk.places.tolist()] if chunk.places is not None else None
                    place = row - at if places is None else places.index(row)
                    return [_text(arrow_of(chunk.values[name])[place].as_py()) for name in side.names]
                at += chunk.covered
    return ["?"] * len(side.names)


def _text(value: object) -> str:
    return "null" if value is None else repr(value) if isinstance(value, str) else str(value)
