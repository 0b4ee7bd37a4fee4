import pytest

from lossctl.audit.calibration import BinTally, reliability, width_edges
from lossctl.show import calibration as show


def table(unusable=False):
    import numpy as np

    tally = BinTally(width_edges(4))
    preds = np.array([0.1, 0.2, 0.6, 0.9, 0.95] + [np.nan] * unusable)
    tally.add(preds, np.array([0.0, 1.0, 1.0, 1.0, 1.0] + [1.0] * unusable), None)
    return reliability(tally.partial(), width_edges(4), "equal-width, 4 bins, L1, plug-in").to_dict()


def test_a_row_a_bin_and_the_errors_with_their_estimator():
    text = show.render({"loss": "bce", **table()}, None, False)
    lines = text.splitlines()
    assert lines[0] == "calibration of bce"
    assert lines[1] == (
        "ECE 0.25, largest gap 0.4, root mean square 0.288531, bias -0.25 (equal-width, 4 bins, L1, plug-in; 5 rows)"
    )
    assert len(lines) == 4 + 3
    first = lines[4].split("  ")
    assert first[0] == "0 … 0.25"
    assert "###|" in lines[4]
    assert "-0.3500" in lines[4]
    assert "\x1b" not in text


def test_rows_of_no_number_are_told():
    assert "1 row of no number are in no bin" in show.render({"loss": "bce", **table(True)}, None, False)


def test_a_narrow_terminal_has_no_bars():
    assert "#" in show.render({"loss": "bce", **table()}, 120, False)
    narrow = show.render({"loss": "bce", **table()}, 80, False)
    assert "#" not in narrow
    assert max(map(len, narrow.splitlines()[2:])) <= 80


def test_classes_stand_below_the_worst_first():
    classes = [{"class": f"c{k}", "ece": k / 100} for k in range(12)]
    found = {"loss": "cce", **table(), "classwise": {"ece": 0.055, "estimator": "mean of", "classes": classes}}
    lines = show.render(found, None, False).splitlines()
    assert lines[-2] == "ECE 0.055 (mean of)"
    assert lines[-1].startswith("by class: c11 0.11, c10 0.1, c9 0.09")
    assert lines[-1].endswith("… (2 more)")


@pytest.mark.parametrize(
    ("rates", "drawn"),
    [((0.5, 0.25), "#####.....|........."), ((1.0, 1.0), "#" * 19 + "|"), ((0.0, 0.0), "|" + "." * 19)],
)
def test_bars(rates, drawn):
    assert show.bar(*rates) == drawn


def test_a_decomposition_in_a_line():
    found = {"score": "log_loss", "miscalibration": 0.5, "discrimination": 0.25, "uncertainty": 1.0, "value": 1.25}
    assert show.decomposed(found) == ("log loss 1.25 = miscalibration 0.5 - discrimination 0.25 + uncertainty 1")
    over = {**found, "over": "mean over outputs"}
    assert show.decomposed(over).startswith("log loss (mean over outputs) 1.25 = ")
