"""The output folder: what may be written where, and that nothing is ever overwritten."""

import errno
import os
from pathlib import Path

import pytest

from nodegraph.errors import OutputError
from nodegraph.outputs import OutputFolder, why_unusable

BAD = [
    "", " ", ".", "..", "../a.png", "a/../../b.png", "a/..", "/tmp/a.png", "\\\\server\\a", "C:\\a.png", "C:a.png",
    "~/a.png", "a\\b.png", "a\0b", "a\nb", "con", "NUL.png", "sub/aux.txt", "a.", "a ", "a//b", "a/", "./a", "a:b",
    "what?", "a*", "x" * 201, "ü" * 101, "a\ud800",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_leaves_the_folder_or_fits_no_file_system_is_refused(tmp_path: Path, name: str) -> None:
    folder = OutputFolder(tmp_path / "out")
    for act in (lambda: folder.write(name, b"x"), lambda: folder.place(name)):
        with pytest.raises(OutputError, match="output name"):
            act()
    assert not list(tmp_path.rglob("*"))
    assert folder.files == ()


@pytest.mark.parametrize("name", ["three.png", "sub/deep/three.png", "drei äöü.png", "a.b.c", ".hidden", "x" * 200])
def test_a_good_name_is_written_below_the_folder(tmp_path: Path, name: str) -> None:
    folder = OutputFolder(tmp_path / "out")
    path = folder.write(name, b"picture")
    assert path.read_bytes() == b"picture"
    assert path == (tmp_path / "out").resolve() / name
    assert folder.files == (path,)


@pytest.mark.parametrize("name", BAD)
def test_the_same_names_are_known_to_be_bad_without_a_folder(name: str) -> None:
    assert why_unusable(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("picture", ""),
        ("sub/picture.png", ""),
        ("v1.", ""),  # which becomes v1..png
        ("x" * 196, ""),
        ("x" * 197, "is too long, must be at most 200 bytes"),
        ("../x", "leads out of the output folder; leave out '..'"),
        ("/tmp/x", "is absolute, must be below the output folder"),
        ("con", "has the part 'con.png', which no file should be called"),
        ("sub/", "names a folder, must name a file"),
        ("ab:c", "has the character ':', which file names cannot hold"),
        (" ", "is empty; give it a name such as 'picture'"),
    ],
)
def test_a_name_is_judged_with_its_ending(name: str, why: str) -> None:
    assert why_unusable(name, ".png") == why


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path)
    paths = [folder.write("three.png", bytes([number])) for number in range(4)]
    assert [path.name for path in paths] == ["three.png", "three-2.png", "three-3.png", "three-4.png"]
    assert [path.read_bytes() for path in paths] == [b"\0", b"\1", b"\2", b"\3"]
    assert OutputFolder(tmp_path).write("three.png", b"later").name == "three-5.png"


def test_a_folder_or_a_dangling_link_of_that_name_counts_as_taken(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    (tmp_path / "b.png").symlink_to(tmp_path / "nowhere")
    folder = OutputFolder(tmp_path)
    assert folder.write("a.png", b"x").name == "a-2.png"
    assert folder.write("b.png", b"x").name == "b-2.png"


def test_a_link_in_the_folder_does_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "way").symlink_to(tmp_path / "outside")
    (out / "file.png").symlink_to(tmp_path / "outside" / "file.png")
    folder = OutputFolder(out)
    for name in ("way/a.png", "way/new/a", "file.png"):
        with pytest.raises(OutputError, match="link"):
            folder.place(name)
    with pytest.raises(OutputError, match="link"):
        folder.write("way/a.png", b"x")
    assert not list((tmp_path / "outside").iterdir())


def test_place_gives_the_same_path_again_and_counts_once_it_is_there(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path)
    path = folder.place("run/checkpoint.safetensors")
    assert folder.files == ()
    path.write_bytes(b"weights")
    assert folder.place("run/checkpoint.safetensors") == path
    assert folder.files == (path,)


def test_a_full_disk_leaves_no_file_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot write 'a\.png': No space left on device; make room"):
        OutputFolder(tmp_path).write("a.png", b"x" * 1000)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write 'a\.png'"):
        OutputFolder(tmp_path / "file").write("a.png", b"x")


def test_without_hard_links_a_file_is_still_whole_and_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    folder = OutputFolder(tmp_path)
    assert [folder.write("a.png", b"x").name for _ in range(2)] == ["a.png", "a-2.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-2.png", "a.png"]


def test_files_follow_the_order_of_writing(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path)
    names = ["b.png", "a.png", "c/d.png"]
    assert [folder.write(name, b"") for name in names] == list(folder.files)
