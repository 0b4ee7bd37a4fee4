"""The audit on the command line: what it refuses, and where its rows and slices go."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer import BadParameter

from lossctl.errors import LossctlError
from tests.conftest import called, program

LINES = ("id,label,prob,region,age", "a,1,0.9,eu,31", "b,0,0.2,us,45", "c,1,0.4,eu,29", "d,0,0.7,,52", "e,1,0.6,us,38")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text("\n".join(LINES) + "\n")
    return path


REFUSED = {
    ("--by", "regoin"): "has no column 'regoin'; did you mean region?",
    ("--by", "age:wdth=3"): "--by 'age:wdth=3': no binning 'wdth'; did you mean width?",
    ("--by", "age:width=0"): "--by 'age:width=0': expected a width above 0, found '0'",
    ("--by", "age:edges=30,30"): "--by 'age:edges=30,30'",
    ("--by", "region*region"): "--by 'region*region'",
    ("--by", "region:width=1"): "row 1 column region: found 'eu', expected a number (--by region:width=1)",
    ("--by", "region:quantile=2"): "row 1 column region: found 'eu', expected a number (--by region:quantile=2)",
    ("--by", "id:month"): "row 1 column id: found 'a', expected a date",
    ("--cluster", "usr"): "--cluster: no column 'usr' (columns: id, label, prob, region, age)",
    ("--ci", "95"): "--ci must be above 0 and below 1, such as 0.95, got 95.0",
    ("--ci", "nan"): "--ci must be above 0 and below 1, such as 0.95, got nan",
    ("--ci", "0"): "--ci must be above 0 and below 1, such as 0.95, got 0.0",
    ("--ci", "high"): "'high' is not a valid float",
    ("--bootstrap", "1"): "--bootstrap=1 tells nothing of the spread; take 200 or more",
    ("--bootstrap", "100001"): "--bootstrap must be a whole number from 0 to 100,000, got 100001",
    ("--bootstrap", "-3"): "-3 is not in the range",
    ("--seed", "-1"): "-1 is not in the range",
    ("--worst", "1000001"): "--worst must be a whole number from 0 to 1,000,000, got 1000001",
    ("--quantiles", "half"): "--quantiles takes levels, as 0.5,0.9,0.99, got 'half'",
    ("--quantiles", "0.5,2"): "--quantiles are levels from 0 to 1, got 2.0",
    ("--quantiles", "nan"): "--quantiles are levels from 0 to 1, got nan",
    ("--calibration", "equal"): "'equal' is not one of 'equal-mass', 'equal-width'",
    ("--calibration", "equal-mass", "--bins", "10001"): "--bins must be a whole number from 1 to 10,000, got 10001",
    ("--by", "region", "--correction", "bonferroni"): "'bonferroni' is not one of 'holm', 'bh'",
    ("--by", "region", "--sort", "size"): "--sort size is none of key, value, count, difference, p",
    ("--by", "region", "--top", "-1"): "-1 is not in the range",
    ("--save", "x", "--worst", "2"): "--save keeps sums and no rows, which --worst looks at again; leave it out",
    ("--save", "x", "--by", "age:quantile=2"): "the bins of --by 'age:quantile=2' hang on all rows at once",
    ("--save", "x", "--bootstrap", "9"): "draws rows by their number, which a shard does not know; name them by --id",
    **{
        ("-r", "none", *flags): "--reduction none writes a loss a row; intervals, slices and the like go with one value"
        for flags in (("--by", "region"), ("--spread",), ("--bootstrap", "9"), ("--worst", "2"), ("--cluster", "id"))
    },
}


@pytest.mark.parametrize("flags", REFUSED, ids=" ".join)
def test_flags_that_are_refused(flags: tuple[str, ...], data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data.parent)
    with pytest.raises((LossctlError, BadParameter)) as caught:
        called("eval", data, "-l", "bce", "-q", *flags)
    said = str(caught.value)
    assert REFUSED[flags] in said
    assert "\n" not in said
    assert list(data.parent.iterdir()) == [data]


@pytest.mark.parametrize(
    ("loss", "flags", "said"),
    [
        ("r2", ("--worst", "3"), "r2_score is one number of the whole file and has no value a row, so no --worst"),
        ("r2", ("--best", "3"), "so no --best"),
        ("median_absolute_error", ("--bootstrap", "20"), "so no --bootstrap"),
        ("r2", ("--hist",), "so no --hist"),
        ("mse", ("--calibration", "equal-mass"), "--calibration needs a loss of probabilities or logits"),
        ("mae", ("--decompose",), "--decompose splits the Brier score, the squared error and the log loss"),
    ],
)
def test_losses_that_an_audit_does_not_fit(loss: str, flags: tuple[str, ...], said: str, data: Path) -> None:
    with pytest.raises(LossctlError) as caught:
        called("eval", data, "-l", loss, *flags)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--by", "age:width=10"), "row 3 column age: found 'old', expected a number (--by age:width=10)"),
        (("--by", "regoin"), "has no column 'regoin'; did you mean region?"),
        (("--ci", "2"), "--ci must be above 0 and below 1"),
        (("--top", "-1"), "-1 is not in the range"),
    ],
)
def test_a_refusal_is_a_line_and_exit_code_2(flags: tuple[str, ...], said: str, data: Path) -> None:
    data.write_text(data.read_text().replace("eu,29", "eu,old"))
    done = program("eval", data, "-l", "bce", *flags)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("lossctl: ")
    assert said in line


def told(path: Path, *flags: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(called("eval", path, "-l", "bce", "-q", "--json", *flags))["results"][0]
    return found


def test_exact_quantiles_alone_have_levels(data: Path) -> None:
    found = told(data, "--exact-quantiles", "--by", "region")
    assert found["quantiles"]["method"] == "exact"  # type: ignore[index]
    assert found["quantiles"]["values"].keys() == told(data, "--spread")["quantiles"]["values"].keys()  # type: ignore[index]
    assert all("sketch" in one["quantiles"]["method"] for one in found["slices"])  # type: ignore[attr-defined]


def test_rows_of_the_highest_and_lowest_loss_as_files(data: Path, tmp_path: Path) -> None:
    flags = ("--worst", "2", "--best", "1", "-o")
    shown = called("eval", data, "-l", "bce", "-q", *flags, tmp_path / "rows.parquet")
    assert "rows of the highest" in shown
    called("eval", data, "-l", "bce", "-q", *flags, tmp_path / "rows.csv")
    rows = pq.read_table(tmp_path / "rows.parquet").to_pylist()
    assert [(row["loss_side"], row["loss_rank"], row["loss_row"], row["id"]) for row in rows] == [
        ("worst", 1, 4, "d"),
        ("worst", 2, 3, "c"),
        ("best", 1, 1, "a"),
    ]
    assert {row["loss_file"] for row in rows} == {str(data)}
    assert (rows[0]["region"], rows[0]["age"], rows[0]["prob"]) == (None, 52, 0.7)
    with open(tmp_path / "rows.csv", newline="") as file:
        texts = list(csv.DictReader(file))
    assert [row["id"] for row in texts] == ["d", "c", "a"]
    assert [float(row["loss_value"]) for row in texts] == [row["loss_value"] for row in rows]
    assert not [path for path in tmp_path.iterdir() if path.name not in ("data.csv", "rows.csv", "rows.parquet")]


def test_slices_are_sorted_and_the_first_are_shown(data: Path) -> None:
    def keys(*flags: str) -> list[str]:
        shown = called("eval", data, "-l", "bce", "-q", "--by", "region", *flags)
        return [line.split()[0] for line in shown.splitlines() if "(few)" in line]

    values = {one["by"]["region"]: one["value"] for one in told(data, "--by", "region")["slices"]}  # type: ignore[attr-defined]
    ascending = ["null" if key is None else key for key in sorted(values, key=lambda key: values[key])]
    assert keys() == ["eu", "us", "null"]
    assert keys("--sort", "value") == ascending
    assert keys("--sort=-value") == ascending[::-1]
    assert keys("--sort=-value", "--top", "1") == ascending[:0:-1][:1]
    assert keys("--min-count", "2") == ["null"]
    assert "1 more slice" in called("eval", data, "-l", "bce", "-q", "--by", "region", "--top", "2")


def test_rows_of_stdin_are_there_for_a_second_look(data: Path) -> None:
    flags = ("-l", "bce", "--worst", "3", "--bootstrap", "20", "--json", "-q")
    piped = program("eval", "-", *flags, input=data.read_text())
    assert piped.returncode == 0, piped.stderr
    found, expected = json.loads(piped.stdout)["results"][0], told(data, "--worst", "3", "--bootstrap", "20")
    assert [row["columns"]["id"] for row in found["worst"]] == ["d", "c", "e"]
    assert {row["file"] for row in found["worst"]} == {"-"}
    assert found["bootstrap"] == expected["bootstrap"]
    assert found["ci"] == expected["ci"]
