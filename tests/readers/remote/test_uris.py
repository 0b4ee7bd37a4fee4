"""What a URI names and what is shown of it, and reasons in one line."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from lossctl.errors import DataError
from lossctl.readers import files
from lossctl.readers.reasons import reason
from lossctl.readers.uri import Place, address, shown, without_secrets
from tests.conftest import program


def test_file_uris_are_local_paths(tmp_path: Path) -> None:
    (tmp_path / "a b.csv").write_text("label,pred\n1,3\n")
    uri = (tmp_path / "a b.csv").as_uri()
    assert "%20" in uri
    assert (
        files.located(uri) == files.located(uri.replace("file:///", "FILE://localhost/")) == str(tmp_path / "a b.csv")
    )
    done = program("eval", uri, "-l", "mse", "--value-only", "-q", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("4.0\n", "")
    with pytest.raises(
        DataError, match="file:// names this machine's files, as in file:///folder/name, found host there"
    ):
        files.located("file://there/a.csv")


@pytest.mark.parametrize("path", ["-", "a.csv", "/a://b", "C:/a", "a:b", "://x", "7z://x"])
def test_other_paths_stay_as_they_are(path: str) -> None:
    assert files.located(path) is path


URIS = {
    "s3://bucket/key?x": "s3://bucket/key?x",
    "s3://K:S@bucket/a@b?region=eu": "s3://***@bucket/a@b?region=eu",
    "s3://KEY@bucket/k": "s3://***@bucket/k",
    "gs://anonymous@bucket/k": "gs://anonymous@bucket/k",
    "hdfs://user@host:8020/k": "hdfs://user@host:8020/k",
    "abfs://box:pass@account.dfs/k": "abfs://box:***@account.dfs/k",
    "https://token@host/k?sig=a%2Fb&n=1": "https://***@host/k?sig=***&n=1",
    "https://host/k?access_token=t": "https://host/k?access_token=***",
}


@pytest.mark.parametrize("uri", URIS)
def test_what_is_shown_of_a_uri(uri: str) -> None:
    place = files.located(uri)
    assert place == URIS[uri]
    assert address(place) == address(uri)
    back = pickle.loads(pickle.dumps(place))
    assert (back, address(back), type(back)) == (place, address(uri), type(place))
    assert files.located(place) is place
    assert json.dumps([place]) == json.dumps([URIS[uri]])
    assert without_secrets(f"cannot open {uri}", place) == f"cannot open {URIS[uri]}"


def test_places_behind_other_credentials_differ() -> None:
    one, other = shown("s3://A:1@b/k"), shown("s3://B:2@b/k")
    assert isinstance(one, Place)
    assert (str(one), one == other, one == shown("s3://A:1@b/k")) == (str(other), False, True)
    assert hash(one) == hash(str(one))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "When x: AWS Error SLOW_DOWN during HeadObject operation: Please reduce your request rate",
            "3 attempts failed, the last with: SLOW_DOWN: Please reduce your request rate",
        ),
        ("x: AWS Error NO_SUCH_KEY during GetObject operation (a): gone\nfor good", "S3 says NO_SUCH_KEY: gone"),
        ("google::cloud::Status(NOT_FOUND: no bucket error_info={a})", "Google Cloud says NOT_FOUND: no bucket"),
        ("Unable to load libhdfs: no", "HDFS is reached through Hadoop's libhdfs, which was not found"),
        ("a" * 500, "a" * 300),
    ],
)
def test_reasons_are_one_line(said: str, told: str) -> None:
    assert reason(OSError(said)).startswith(told)
    assert "\n" not in reason(OSError(said))
