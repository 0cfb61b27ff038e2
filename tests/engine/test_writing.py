"""Saving: after any failure, and after a kill at any moment, a file is the old or the new one, whole."""

import errno
import fcntl
import os
import random
import signal
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from nodegraph import writing
from nodegraph.errors import OutputError
from nodegraph.writing import write_atomically

OLD, NEW = b"old" * 1000, b"new" * 300_000
CALLS = ("realpath", "access", "scandir", "open", "fstat", "chmod", "write", "fsync", "replace", "close", "flock")


class Failing:
    """The modules `os` and `fcntl`, with the call of a given number failing."""

    def __init__(self, fail_at: int, number: int = errno.EIO) -> None:
        self.path = os.path
        self.left = fail_at
        self.number = number
        self.failed = ""

    def __getattr__(self, name):
        found = getattr(fcntl if name.startswith(("flock", "LOCK_")) else os, name)
        return self.counted(name, found) if name in CALLS else found

    def counted(self, name, call):
        def counting(*args, **kwargs):
            self.left -= 1
            if self.left != 0:
                return call(*args, **kwargs)
            self.failed = name
            if name == "close":
                call(*args)
            raise OSError(self.number, os.strerror(self.number))

        return counting


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "graph.json"
    path.write_bytes(OLD)
    path.chmod(0o640)
    return path


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EACCES])
def test_a_failure_of_each_call_leaves_the_old_file_or_the_new_one(target, monkeypatch, number):
    failed = []
    for fail_at in range(1, 100):
        target.write_bytes(OLD)
        failing = Failing(fail_at, number)
        monkeypatch.setattr(writing, "os", failing)
        monkeypatch.setattr(writing, "fcntl", failing)
        try:
            write_atomically(target, NEW)
        except OutputError as error:
            assert str(error).startswith(f"{target} was not written: ")
        monkeypatch.undo()
        assert target.read_bytes() in (OLD, NEW)
        assert os.listdir(target.parent) == [target.name]
        if not failing.failed:
            break
        failed.append(failing.failed)
    assert target.read_bytes() == NEW
    assert {"open", "chmod", "write", "fsync", "replace", "close", "flock"} <= set(failed)


def test_a_full_disk_is_named(target, monkeypatch):
    def full(file, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing.os, "write", full)
    with pytest.raises(OutputError, match=r"graph.json was not written: the disk is full$"):
        write_atomically(target, NEW)
    assert target.read_bytes() == OLD


def test_what_the_system_writes_in_parts_is_written_whole(target, monkeypatch):
    write = os.write
    monkeypatch.setattr(writing.os, "write", lambda file, data: write(file, data[:100_001]))
    write_atomically(target, NEW)
    assert target.read_bytes() == NEW


def test_an_interrupt_leaves_the_old_file(target, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(writing.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(target, NEW)
    assert target.read_bytes() == OLD
    assert os.listdir(target.parent) == [target.name]


def test_a_killed_writer_leaves_the_old_file_or_the_new_one(target):
    """200 children, each killed at a random moment of its saving; a next save takes away what they left."""
    random.seed(0)
    versions = [NEW, b"other" * 200_000]
    seen = set()
    for _ in range(200):
        versions.reverse()  # each is written first by half of the children, however slow the disk is
        child = os.fork()
        if child == 0:
            try:
                while True:
                    for version in versions:
                        write_atomically(target, version)
            finally:
                os._exit(1)
        time.sleep(random.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = target.read_bytes()
        assert found in (OLD, *versions)
        seen.add(found[:3])
        assert len(os.listdir(target.parent)) <= 2
    assert len(seen) > 1
    write_atomically(target, OLD)
    assert os.listdir(target.parent) == [target.name]


def test_two_writers_at_once_do_not_disturb_each_other(target):
    contents = [letter * 50_000 for letter in (b"a", b"b", b"c", b"d")]

    def write(data: bytes) -> None:
        for _ in range(30):
            write_atomically(target, data)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, contents))  # raises what one of them raised
    assert target.read_bytes() in contents
    assert os.listdir(target.parent) == [target.name]


def test_the_mode_is_kept_and_a_new_file_has_that_of_the_umask(target):
    write_atomically(target, NEW)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    old = os.umask(0o027)
    try:
        write_atomically(target.with_name("fresh.json"), NEW)
    finally:
        os.umask(old)
    assert stat.S_IMODE(target.with_name("fresh.json").stat().st_mode) == 0o640


def test_a_symlink_stays_one(target, tmp_path):
    link, dangling = tmp_path / "link.json", tmp_path / "dangling.json"
    link.symlink_to(target)
    dangling.symlink_to("later.json")
    write_atomically(link, NEW)
    write_atomically(dangling, OLD)
    assert link.is_symlink()
    assert target.read_bytes() == NEW
    assert (tmp_path / "later.json").read_bytes() == OLD


def test_a_long_name_can_be_saved(tmp_path):
    path = tmp_path / ("ü" * 120 + ".json")
    write_atomically(path, NEW)
    assert path.read_bytes() == NEW


def test_what_cannot_be_written_to(target, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        (tmp_path, "it is no regular file"),
        (tmp_path / "pipe", "it is no regular file"),
        (tmp_path / "loop", "it is no regular file"),
        (tmp_path / "absent" / "graph.json", "its folder is not there"),
        (target / "graph.json", "a file is where its folder should be"),
        (tmp_path / ("x" * 300), "its name is too long"),
        (tmp_path / "a\0b", "null"),
    ):
        with pytest.raises(OutputError, match=message):
            write_atomically(path, NEW)
    assert target.read_bytes() == OLD
