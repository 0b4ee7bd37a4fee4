"""The simulation of lossctl's own intervals and tests, with few sets: they are sound, and what is unsound is seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.simulation import command
from tests.simulation.coverage import DESIGNS, PAIRS, SLICED, Counted, generators
from tests.simulation.measured import intervals, of_slice, paired
from tests.simulation.test_coverage import linearised

SETS = 60


def shares(lines: list[command.Line]) -> dict[str, float]:
    return {line.method: line.counted.share for line in lines}


@pytest.mark.parametrize("design", DESIGNS, ids=[design.name for design in DESIGNS])
def test_intervals_cover(design: command.Design) -> None:
    found = shares(command.counted(design.name, command.covered(design, SETS, 5), lambda _: None))
    assert found.keys() == {"analytic", "bootstrap"}
    assert all(share >= 0.85 for share in found.values())


@pytest.mark.parametrize("design", SLICED, ids=[design.name for design in SLICED])
def test_intervals_of_differences_cover(design: command.Sliced) -> None:
    found = shares(command.counted(design.name, command.covered_difference(design, SETS, 5), lambda _: None))
    assert 0.85 <= found["analytic"] <= 1.0


@pytest.mark.parametrize("pairs", PAIRS, ids=[pairs.name for pairs in PAIRS])
def test_tests_seldom_reject_what_is_so(pairs: command.Pairs) -> None:
    lines = command.counted(pairs.name, command.rejected(pairs, SETS, 5), command._levels(pairs))
    assert {line.method for line in lines} == {"t", "sign", "permutation", "bootstrap"}
    assert all(line.counted.share <= 0.15 for line in lines if line.bounds)
    assert [line.method for line in lines if line.bounds is None] == {
        "exchangeable": ["sign"],
        "tied": [],
        "lopsided": ["sign", "permutation"],
    }[pairs.name]


def test_clusters_taken_for_single_rows_are_seen() -> None:
    design = next(design for design in DESIGNS if design.name == "clustered")
    hits = list(command.covered(design, SETS, 5, alone=True))
    (analytic, bootstrap) = command.counted("clustered", hits, lambda _: command.COVERS)
    assert max(analytic.counted.share, bootstrap.counted.share) < 0.88
    assert not analytic.passed
    assert "WRONG" in str(analytic)
    assert analytic._replace(inside=False).passed


def test_where_a_share_is_to_be() -> None:
    at = [Counted("some", hits, 1000) for hits in (934, 935, 965, 966)]
    assert [command.Line(one, "analytic", command.COVERS).passed for one in at] == [False, True, True, False]
    assert [command.Line(one, "analytic", command.COVERS, False).passed for one in at] == [True, False, False, True]
    assert all(command.Line(one, "analytic", None).passed for one in at)


def test_the_exit_code_and_the_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = (command.Line(Counted("rows", hits, 100), "analytic", command.COVERS) for hits in (95, 80))
    for some, code in (([good, good], 0), ([good, bad], 1)):
        monkeypatch.setattr(command, "lines", lambda sets, seed, some=some: iter(some))
        assert command.main(["--sets", "100"]) == code
        assert f"{code} WRONG" in capsys.readouterr().out


@pytest.mark.parametrize("design", DESIGNS, ids=[design.name for design in DESIGNS])
def test_the_interval_is_the_textbooks(design: command.Design) -> None:
    drawn = design.draw(next(generators(design.name, 2, 1)))
    found = intervals(drawn, 0, 0.9, replicates=50)
    assert found["analytic"] == pytest.approx(linearised(*drawn, 0.9), rel=1e-10)
    assert found["bootstrap"] != intervals(drawn, 1, 0.9, replicates=50)["bootstrap"]


def test_the_difference_is_welchs() -> None:
    drawn, inside = SLICED[0].draw(next(generators("slice", 2, 1)))
    true = stats.ttest_ind(drawn.losses[inside], drawn.losses[~inside], equal_var=False).confidence_interval(0.9)
    assert of_slice(drawn, inside, 0.9)["analytic"] == pytest.approx(tuple(true), rel=1e-10)


@pytest.mark.parametrize("pairs", PAIRS, ids=[pairs.name for pairs in PAIRS])
def test_paired_tests_are_scipys(pairs: command.Pairs) -> None:
    for number, rng in enumerate(generators(pairs.name, 3, 5)):
        one, two = pairs.draw(rng)
        found, signs = paired(one, two, number, replicates=4999), np.sign(one - two)
        assert abs(found["t"] - stats.ttest_rel(one, two).pvalue) < 1e-10
        wins = int((signs < 0).sum())
        assert abs(found["sign"] - stats.binomtest(wins, int(np.abs(signs).sum())).pvalue) < 1e-10
        drawn = stats.permutation_test(
            (one, two), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=1999, rng=number
        )
        assert found["permutation"] == pytest.approx(drawn.pvalue, abs=0.06)
        assert found["bootstrap"] == pytest.approx(found["t"], abs=0.06)
