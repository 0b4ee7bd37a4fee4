import re

import numpy as np
import pytest

from lossctl.show import histogram

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
EDGES = (1.4e-07, 0.125, 0.25, 0.375, 4.526)
COUNTS = (1_000_000, 500_000, 0, 1)


def bars(text):
    return [re.search(r"[▏▎▍▌▋▊▉█]*$", line).group() for line in text.splitlines()]


def test_a_line_a_bin_with_edges_rows_and_bar():
    lines = histogram.render(EDGES, COUNTS).splitlines()
    assert len(lines) == 4
    assert [line.split()[:4] for line in lines] == [
        ["1.4e-07", "…", "0.125", "1,000,000"],
        ["0.125", "…", "0.25", "500,000"],
        ["0.25", "…", "0.375", "0"],
        ["0.375", "…", "4.53", "1"],
    ]
    assert bars("\n".join(lines)) == ["█" * 40, "█" * 20, "", "▏"]


@pytest.mark.parametrize("width", [30, 40, 55, 80, 200, None])
def test_it_keeps_to_the_width_and_never_cuts_numbers(width):
    text = histogram.render(EDGES, COUNTS, width)
    longest = max(map(len, text.splitlines()))
    assert longest <= max(width or 200, 41)
    assert "1,000,000" in text or (width is not None and width < 37)
    first, second, empty, sliver = bars(text)
    assert len(first) >= 8 or width < 37
    if width is None or width >= 41:
        assert (len(second), empty, sliver) == (pytest.approx(len(first) / 2, abs=1), "", "▏")


def test_bars_are_as_long_as_the_counts():
    counts = list(range(0, 321, 5))
    text = histogram.render(range(len(counts) + 1), counts)
    eighths = [sum(histogram.BLOCKS.index(block) for block in bar) for bar in bars(text)]
    assert eighths == counts


def test_color_only_where_it_is_asked_for():
    plain = histogram.render(EDGES, COUNTS, 60)
    assert "\x1b" not in plain
    colored = histogram.render(EDGES, COUNTS, 60, True)
    assert "\x1b" in colored
    assert [line.rstrip() for line in ESCAPE.sub("", colored).splitlines()] == plain.splitlines()


def test_edges_have_the_digits_that_tell_them_apart():
    edges = np.array([-1.0, -0.5, 1 - 2**-12, 1 - 2**-13, 1.0])
    texts = histogram.edge_texts(edges)
    assert texts == ["-1", "-0.5", "0.9998", "0.9999", "1"]
    assert histogram.edge_texts([0.1, 0.1 + 2**-56]) == ["0.1", "0.10000000000000002"]
    assert histogram.edge_texts([0.3, 0.3]) == ["0.3", "0.3"]
    assert histogram.edge_texts([-0.0, 1e300]) == ["0", "1e+300"]


def test_one_bin_and_none():
    assert bars(histogram.render([0.3, 0.3], [7])) == ["█" * 40]
    assert bars(histogram.render([0.0, 1.0], [0])) == [""]
    assert histogram.render([], []) == ""
