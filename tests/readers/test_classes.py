"""Class names from files: lists, objects of ids and names, a model's configuration, a name a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lossctl.errors import DataError
from lossctl.readers.classes import class_names, is_file

GOOD = [
    ("c.json", '["cat", "dog"]'),
    ("c.json", '{"cat": 0, "dog": 1}'),
    ("c.json", '{"dog": 1, "cat": 0}'),
    ("c.json", '{"1": "dog", "0": "cat"}'),
    ("c.json", '{"model_type": "x", "id2label": {"0": "cat", "1": "dog"}, "label2id": {"cat": 0, "dog": 1}}'),
    ("c.json", '{"label2id": {"cat": 0, "dog": 1}}'),
    ("c.txt", "cat\ndog\n"),
    ("c.txt", "\ufeffcat\r\n dog \r\n\r\n"),
    ("C.JSON", '["cat", "dog"]'),
]


@pytest.mark.parametrize(("name", "text"), GOOD)
def test_every_form_gives_the_names_in_order(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode())
    assert class_names(str(path)) == ("cat", "dog")


BAD = [
    ("c.json", '["cat", "cat"]', "class 'cat' twice"),
    ("c.json", '{"cat": 0, "cat": 1}', "key 'cat' twice"),
    ("c.json", '{"cat": 0, "dog": 2}', "go from 0 to 1, there is no 1"),
    ("c.json", '{"1": "cat", "2": "dog"}', "there is no 0"),
    ("c.json", '{"cat": 0, "dog": 0}', "there is no 1"),
    ("c.json", '{"a": "b"}', "names with their ids"),
    ("c.json", '"cat"', "list or object of class names, found a text"),
    ("c.json", "[1.5, 2]", "expected a class name, found a number"),
    ("c.json", '["cat", null]', "found null"),
    ("c.json", '["cat"]', "has 1 class names"),
    ("c.json", "{}", "has 0 class names"),
    ("c.json", '["cat", ', "line 1 is no JSON"),
    ("c.json", '{"id2label": {"0": "cat", "1": "dog"}, "label2id": {"cat": 1, "dog": 0}}', "differ"),
    ("c.txt", "cat\n\ndog\n", "line 2 is empty"),
    ("c.txt", "cat\ndog\ncat\n", "class 'cat' twice"),
    ("c.txt", "", "has 0 class names"),
]


@pytest.mark.parametrize(("name", "text", "expected"), BAD)
def test_what_is_no_list_of_classes_is_refused(name: str, text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError, match=expected):
        class_names(str(path))


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        class_names(str(tmp_path / "none.txt"))
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="no text in UTF-8"):
        class_names(str(tmp_path / "binary.txt"))


def test_nothing_else_is_taken_for_a_file() -> None:
    said: list[Any] = ["classes.json", "a/b.txt", "cat,dog.txt", "cat,dog", "cat"]
    assert [is_file(text) for text in said] == [True, True, False, False, False]


def test_a_name_keeps_its_spelling(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps(["Katze, groß", "01", 7]))
    assert class_names(str(path)) == ("Katze, groß", "01", "7")
