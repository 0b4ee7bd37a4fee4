import csv
import io
import json
import math
import random
import struct

import pytest

from lossctl.errors import UsageError
from lossctl.evaluation.result import InputFile, LossResult, Report, RowAccount, Warned
from lossctl.show import machine


def entry(spec="huber:delta=2.0", value=0.1, **other):
    said = {
        "loss": spec.split(":")[0],
        "spec": spec,
        "options": {"delta": 2.0, "axis": None},
        "reduction": "mean",
        "value": value,
        "sum": value * 3,
        "count": 3,
        "weight_sum": 3.0,
        "denominator": 3.0,
        "denominator_name": "sum of weights",
        "stderr": 0.012,
        "min": 0.0,
        "max": math.inf,
        **other,
    }
    return LossResult(**said)


def result(*entries, path="a.csv"):
    return Report(
        (InputFile(path, "csv", 4),),
        {"labels": ("y",), "preds": ("p",), "weights": None},
        RowAccount(4, 3, {"null_label": 1}),
        (Warned("one_based", 2, "labels look one-based"),),
        entries,
    )


NASTY = entry('a|b,"c"\tγ:x=[bold]', math.nan, stderr=None, denominator=None, min=None, max=-math.inf)


def bits(number):
    return struct.pack("<d", number)


def test_json_reads_back_to_the_same_bits_and_keys_in_order():
    draw = random.Random(0)
    numbers = [draw.uniform(-1, 1) * 10.0 ** draw.randint(-320, 300) for _ in range(500)] + [
        -0.0,
        5e-324,
        1e16,
        2.0,
    ]
    found = result(*(entry(value=number, sum=number) for number in numbers))
    text = machine.render(found, "json")
    back = json.loads(text)
    assert [bits(r["value"]) for r in back["results"]] == [bits(n) for n in numbers]
    assert list(back) == list(found.to_dict())
    assert list(back["results"][0]) == list(found.results[0].to_dict())
    assert text.startswith('{\n  "schema_version": 1,')
    assert text.endswith("}\n")


def test_json_tells_non_finite_numbers_as_texts():
    back = json.loads(machine.render(result(NASTY, entry()), "json"), parse_constant=pytest.fail)
    first, second = back["results"]
    assert (first["value"], first["max"], first["min"], first["stderr"]) == ("nan", "-inf", None, None)
    assert second["max"] == "inf"


def test_json_escapes_a_path_in_no_encoding():
    text = machine.render(result(entry(), path="γ\udcff.csv"), "json")
    assert text.encode()
    assert json.loads(text)["inputs"][0]["path"] == "γ\udcff.csv"


def test_jsonl_lines_stand_alone():
    lines = machine.render(result(entry(), NASTY), "jsonl").splitlines()
    backs = [json.loads(line) for line in lines]
    assert [b["spec"] for b in backs] == ["huber:delta=2.0", NASTY.spec]
    assert all(b["schema_version"] == 1 and b["rows"]["dropped"] == {"null_label": 1} for b in backs)


@pytest.mark.parametrize(("kind", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_delimited(kind, delimiter):
    text = machine.render(result(entry(value=0.1), NASTY), kind)
    assert "\r" not in text
    first, second = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    assert tuple(first) == machine.FIELDS
    assert (first["value"], first["max"], first["count"]) == ("0.1", "inf", "3")
    assert json.loads(first["options"]) == {"delta": 2.0, "axis": None}
    assert second["spec"] == NASTY.spec
    assert (second["value"], second["min"], second["stderr"], second["max"]) == ("nan", "", "", "-inf")


def test_markdown_escapes_pipes():
    head, rule, first, second = machine.render(result(entry(value=1 / 3), NASTY), "markdown").splitlines()
    assert "0.3333333333333333" in first
    assert "a\\|b" in second
    bars = [line.replace("\\|", "").count("|") for line in (head, rule, first, second)]
    assert len(set(bars)) == 1


def test_without_results():
    assert machine.render(result(), "jsonl") == ""
    assert machine.render(result(), "csv").count("\n") == 1


def test_value_only():
    assert machine.value_only(result(entry(value=1e16))) == "1e+16\n"
    assert machine.value_only(result(entry(value=math.nan))) == "nan\n"
    for entries in ((), (entry(), entry("mse"))):
        with pytest.raises(UsageError, match=rf"{len(entries)} losses"):
            machine.value_only(result(*entries))


def test_formats():
    assert machine.format_of("a/b.JSON") == "json"
    assert machine.format_of("b.ndjson") == "jsonl"
    assert machine.format_of("b.txt") == "table"
    assert machine.format_of("b.pq") == "parquet"
    assert machine.format_of("csv") is None
    with pytest.raises(UsageError, match="did you mean json"):
        machine.render(result(), "jsn")
