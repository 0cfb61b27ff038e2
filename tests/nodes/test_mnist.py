"""IDX files: read as the format says, checked, and fetched from mirrors."""

import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pooch
import pytest
import torch

from nodegraph_nodes.ops import mnist
from nodegraph_nodes.ops.mnist import data_hash, download_mnist, load_mnist, read_idx

DATA = Path(__file__).parents[1] / "data" / "mnist"


def idx(shape: list[int], data: bytes, magic: bytes = b"\x00\x00\x08") -> bytes:
    return magic + bytes([len(shape)]) + b"".join(length.to_bytes(4, "big") for length in shape) + data


def write(folder: Path, images: bytes, labels: bytes) -> Path:
    (folder / "train-images-idx3-ubyte").write_bytes(images)
    (folder / "train-labels-idx1-ubyte").write_bytes(labels)
    return folder


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_an_array_is_read_whatever_the_file_is_called(tmp_path, pack):
    path = tmp_path / "numbers"
    path.write_bytes(pack(idx([2, 3], bytes([1, 2, 3, 4, 5, 255]))))

    assert read_idx(path).tolist() == [[1, 2, 3], [4, 5, 255]]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "begins with nothing"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "begins with 89 50 4e 47, must be 00 00 08"),
        (idx([2], b"\x00" * 8, magic=b"\x00\x00\x0d"), "must be 00 00 08"),
        (idx([2, 3], b"")[:9], "ends within its header of 12 bytes"),
        (idx([2, 3], bytes(5)), r"holds 5 bytes of data, but its header announces \[2, 3\]: 6 bytes"),
        (idx([2, 3], bytes(7)), "holds 7 bytes of data"),
        (idx([2**32 - 1] * 255, bytes(7)), "holds 7 bytes of data"),
        (gzip.compress(idx([2, 3], bytes(6)))[:-9], "damaged gzip file"),
        (gzip.compress(idx([2, 3], bytes(6)))[:-8] + bytes(8), "damaged gzip file"),
        (b"\x1f\x8b" + bytes(30), "damaged gzip file"),
    ],
)
def test_a_file_that_is_no_idx_file_is_refused_with_the_reason(tmp_path, content, complaint):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)

    with pytest.raises(ValueError, match=complaint) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_an_archive_that_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "_LARGEST", 1000)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(2000)))

    with pytest.raises(ValueError, match="more than 1000 bytes"):
        read_idx(path)


def test_the_tests_own_digits_begin_as_mnist_does():
    images, labels, sha256 = load_mnist(DATA)

    assert (images.shape, images.dtype) == ((600, 28, 28), torch.uint8)
    assert labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert labels.dtype == torch.int64
    assert sha256 == data_hash(images, labels)
    assert load_mnist(DATA, "test")[1][:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_the_hash_sees_each_pixel_label_and_the_shape():
    images, labels, sha256 = load_mnist(DATA, "test")
    other_pixel, other_label = images.clone(), labels.clone()
    other_pixel[7, 3, 4] += 1
    other_label[7] = 0

    hashes = [data_hash(other_pixel, labels), data_hash(images, other_label), data_hash(images[:-1], labels[:-1])]
    assert len({sha256, *hashes}) == 4


@pytest.mark.parametrize(
    ("images", "labels", "complaint"),
    [
        (idx([1, 28, 27], bytes(756)), idx([1], bytes(1)), r"\[1, 28, 27\], must be pictures of 28 by 28"),
        (idx([784], bytes(784)), idx([1], bytes(1)), r"\[784\], must be pictures"),
        (idx([1, 28, 28], bytes(784)), idx([2], bytes(2)), r"\[2\], must be one label for each of 1 picture"),
        (idx([1, 28, 28], bytes(784)), idx([1], b"\x0a"), "the label 10, must be 0 to 9"),
        (idx([0, 28, 28], b""), idx([0], b""), "no picture"),
    ],
)
def test_files_that_are_not_digits_are_refused(tmp_path, images, labels, complaint):
    with pytest.raises(ValueError, match=complaint):
        load_mnist(write(tmp_path, images, labels))


def test_a_folder_without_the_files_says_what_is_missing(tmp_path):
    with pytest.raises(ValueError, match=r"neither train-images-idx3-ubyte nor train-images-idx3-ubyte\.gz"):
        load_mnist(tmp_path)
    with pytest.raises(ValueError, match="split is 'validation', must be one of train, test"):
        load_mnist(DATA, "validation")


class Mirror:
    """A server on this machine, which counts what is asked of it."""

    def __init__(self, folder: Path) -> None:
        asked = self.asked = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments) -> None:
                super().__init__(*arguments, directory=str(folder))

            def log_message(self, *_) -> None:
                asked.append(self.path)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def mirror(monkeypatch) -> Iterator[Mirror]:
    """Serves the tests' own digits, with their checksums in place of the full files'."""
    known = {
        name: hashlib.sha256(gzip.decompress((DATA / f"{name}.gz").read_bytes())).hexdigest() for name in mnist.SHA256
    }
    monkeypatch.setattr(mnist, "SHA256", known)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    mirror = Mirror(DATA)
    yield mirror
    mirror.server.shutdown()
    mirror.server.server_close()


def test_what_is_downloaded_can_be_loaded_and_is_fetched_once(tmp_path, mirror):
    steps = []
    folder = download_mnist(tmp_path / "mnist", lambda *step: steps.append(step), (mirror.address,))
    download_mnist(folder, None, (mirror.address,))

    assert torch.equal(load_mnist(folder)[0], load_mnist(DATA)[0])
    assert steps == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert len(mirror.asked) == 4
    assert len(list(folder.iterdir())) == 4


def test_a_file_that_was_damaged_is_fetched_again(tmp_path, mirror):
    download_mnist(tmp_path, None, (mirror.address,))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(b"half a fi")
    download_mnist(tmp_path, None, (mirror.address,))

    assert len(load_mnist(tmp_path, "test")[1]) == 200
    assert len(mirror.asked) == 5


def test_the_next_mirror_is_tried(tmp_path, mirror):
    missing, refused = f"{mirror.address}elsewhere/", "http://127.0.0.1:1/"
    download_mnist(tmp_path, None, (missing, refused, mirror.address))

    assert len(load_mnist(tmp_path)[1]) == 600


def test_content_with_another_checksum_is_thrown_away(tmp_path, mirror, monkeypatch):
    monkeypatch.setattr(mnist, "SHA256", dict.fromkeys(mnist.SHA256, "0" * 64))

    with pytest.raises(ValueError, match=r"train-images-\S+ could not be downloaded .*another sha256 than 000"):
        download_mnist(tmp_path, None, (mirror.address,))
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_the_cache_of_the_user_is_taken(tmp_path, mirror, monkeypatch):
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    monkeypatch.delenv("NODEGRAPH_CACHE", raising=False)

    assert download_mnist(mirrors=(mirror.address,)) == tmp_path / "nodegraph" / "mnist"
    assert len(load_mnist(tmp_path / "nodegraph" / "mnist")[1]) == 600
    monkeypatch.setenv("NODEGRAPH_CACHE", str(tmp_path / "chosen"))
    assert download_mnist(mirrors=(mirror.address,)) == tmp_path / "chosen" / "mnist"
