import os
import stat
import threading

import pytest

from lossctl.errors import DataError
from lossctl.show.output import replacing, write_atomically


def put(text):
    return lambda file: file.write(text) and None


def failing(error):
    def write(file):
        file.write(b"half")
        file.flush()
        raise error

    return write


def test_replaces_the_whole_file(tmp_path):
    path = tmp_path / "out.json"
    path.write_bytes(b"a longer old text")
    write_atomically(str(path), put(b"new"))
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["out.json"]


@pytest.mark.parametrize(
    "error",
    [DataError("row 3"), KeyboardInterrupt(), OSError("of an input"), BrokenPipeError(), ValueError()],
)
def test_on_an_error_the_old_file_stays_and_the_error_passes(tmp_path, error):
    path = tmp_path / "out.json"
    path.write_bytes(b"old")
    with pytest.raises(type(error)) as caught:
        write_atomically(str(path), failing(error))
    assert caught.value is error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out.json"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_of_the_system_is_one_sentence(tmp_path, monkeypatch, call):
    def full(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "out.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, call, full)
    with pytest.raises(DataError) as caught:
        write_atomically(str(path), put(b"new"))
    assert str(caught.value) == f"cannot write {path}: No space left on device; the old file is unchanged"
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out.json"]


def test_a_full_disk_is_told_of_the_output():
    with pytest.raises(DataError, match=r"^cannot write /dev/full: No space left on device$"):
        write_atomically("/dev/full", put(b"x" * 100_000))
    with pytest.raises(DataError, match=r"^cannot write /dev/full: No space left on device$"):
        write_atomically("/dev/full", put(b"x"))


def test_permissions(tmp_path):
    path = tmp_path / "out.json"
    old = os.umask(0o027)
    try:
        write_atomically(str(path), put(b"a"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o666)
        write_atomically(str(path), put(b"b"))
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666


def test_a_read_only_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(DataError, match="Permission denied; the old file is unchanged"):
        write_atomically(str(path), put(b"new"))
    assert path.read_bytes() == b"old"


def test_a_folder_or_none(tmp_path):
    with pytest.raises(DataError, match="it is a folder"):
        write_atomically(str(tmp_path), put(b""))
    with pytest.raises(DataError, match=r"there is no folder .*gone"):
        write_atomically(str(tmp_path / "gone" / "out.json"), put(b""))
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot write"):
        write_atomically(str(tmp_path / "file" / "out.json"), put(b""))


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.json").write_bytes(b"old")
    (tmp_path / "link.json").symlink_to("real.json")
    write_atomically(str(tmp_path / "link.json"), put(b"new"))
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_bytes() == b"new"


def test_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with replacing("out.csv") as file:
        file.write(b"x")
        assert not (tmp_path / "out.csv").exists()
    assert (tmp_path / "out.csv").read_bytes() == b"x"


def test_devices_are_written_directly(tmp_path, capfdbinary):
    write_atomically("/dev/null", put(b"x"))
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    write_atomically("/dev/stdout", put(b"to stdout"))
    write_atomically("/dev/fd/1", put(b"; again"))
    assert capfdbinary.readouterr().out == b"to stdout; again"


def test_a_fifo_is_written_directly(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    write_atomically(str(path), put(b"through"))
    reader.join()
    assert read == [b"through"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_closed_pipe_passes_untouched():
    out, into = os.pipe()
    os.close(out)
    with pytest.raises(BrokenPipeError):
        write_atomically(f"/dev/fd/{into}", put(b"x"))
    os.close(into)
