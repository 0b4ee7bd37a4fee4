"""A histogram as text: a line a bin, with its edges, its rows and a bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lossctl.show.table import rendered

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

# an eighth of a cell to a whole one
BLOCKS = " ▏▎▍▌▋▊▉█"
LONGEST, SHORTEST = 40, 8


def render(edges: Sequence[float], counts: Sequence[int], width: int | None = None, color: bool = False) -> str:
    """A line a bin; bars are as long as the counts, and any row at all shows as a sliver.

    Args:
        edges: B + 1 numbers in order.
        counts: B numbers.
        width: the terminal's columns; None where there is no terminal.
        color: whether to write dim and colours.
    """
    return rendered(shown(edges, counts, width), width, color)


def shown(edges: Sequence[float], counts: Sequence[int], width: int | None = None) -> Table:
    """The same for rich to print among others."""
    from rich.table import Table

    low, high, rows = _columns(edges, counts)
    taken = sum(max(map(len, texts), default=0) for texts in (low, high, rows)) + len("   …  ")
    longest = LONGEST if width is None else max(min(LONGEST, width - taken), SHORTEST)
    table = Table.grid(padding=(0, 1))
    for style in ("dim", "dim", "dim", ""):
        table.add_column(justify="right", style=style, no_wrap=True)
    table.add_column(no_wrap=True)
    for a, b, count, text in zip(low, high, counts, rows, strict=True):
        table.add_row(a, "…", b, text, _bar(count, max(counts), longest))
    return table


def _columns(edges: Sequence[float], counts: Sequence[int]) -> tuple[list[str], list[str], list[str]]:
    """The texts of lower edges, upper edges and counts."""
    texts = edge_texts(edges)
    return texts[:-1], texts[1:], [f"{count:,}" for count in counts]


def edge_texts(edges: Sequence[float]) -> list[str]:
    """Edges with as many digits as tell each from the next.

    >>> edge_texts([0.0, 0.125, 0.25, 4.526130156])
    ['0', '0.125', '0.25', '4.53']
    >>> edge_texts([1000.0078125, 1000.5, 1000.9996])
    ['1000', '1000.5', '1001']
    """
    for digits in range(3, 17):
        texts = [f"{edge + 0.0:.{digits}g}" for edge in edges]
        if len(set(texts)) == len(set(edges)):
            return texts
    return [repr(edge) for edge in edges]


def _bar(count: int, most: int, cells: int) -> Text:
    """A bar in eighths of a cell; rows that would have none get one."""
    from rich.text import Text

    eighths = max(round(8 * cells * count / most), 1) if count else 0
    whole, part = divmod(eighths, 8)
    return Text(BLOCKS[8] * whole + (BLOCKS[part] if part else ""), style="cyan")
