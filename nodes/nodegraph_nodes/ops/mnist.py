"""MNIST as IDX files: reading them, checking them, downloading them.

It knows files and checksums only; scaling, shuffling and batches belong to training.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from nodegraph_nodes.ops.words import count

Split = Literal["train", "test"]

FILES: dict[Split, tuple[str, str]] = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""Checksums of the unpacked files, as Yann LeCun published them."""

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

_LARGEST = 1 << 28  # bytes; five times the largest MNIST file, so that no archive fills the memory


def read_idx(path: Path) -> Tensor:
    """Read the uint8 array of an IDX file, gzipped or not.

    Raises:
        ValueError: the file is no IDX file of bytes, or its length is not what its header says.

    Source: the format's description on Yann LeCun's page of MNIST: two zero bytes, a byte for the
    type (8: unsigned bytes), one for the number of dimensions, each dimension in four bytes, data.
    """
    data = _unpacked(path)
    if len(data) < 4 or data[:3] != b"\x00\x00\x08":
        begins = data[:4].hex(" ") or "nothing"
        raise ValueError(f"{path} is not an IDX file of bytes: it begins with {begins}, must be 00 00 08")
    header = 4 + 4 * data[3]
    if len(data) < header:
        raise ValueError(f"{path} is cut short: it ends within its header of {header} bytes")
    shape = [int.from_bytes(data[at : at + 4], "big") for at in range(4, header, 4)]
    size = 1
    for length in shape:
        size *= length
    if len(data) != header + size:
        raise ValueError(
            f"{path} holds {count(len(data) - header, 'byte')} of data, but its header announces {shape}: "
            f"{count(size, 'byte')}; it was cut short or changed, fetch it again"
        )
    if size == 0:
        return torch.zeros(shape, dtype=torch.uint8)
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=header).reshape(shape)


def load_mnist(folder: Path, split: Split = "train") -> tuple[Tensor, Tensor, str]:
    """Read the pictures and labels of one split.

    Returns:
        images: uint8, (N, 28, 28), 0 is paper and 255 is ink.
        labels: int64, (N,), each 0 to 9.
        sha256: `data_hash(images, labels)`.
    """
    if split not in FILES:
        raise ValueError(f"split is {split!r}, must be one of {', '.join(FILES)}")
    image_path, label_path = (_find(folder, name) for name in FILES[split])
    images, labels = read_idx(image_path), read_idx(label_path).long()
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError(f"{image_path} holds an array of {list(images.shape)}, must be pictures of 28 by 28 pixels")
    if labels.ndim != 1 or len(labels) != len(images):
        raise ValueError(
            f"{label_path} holds an array of {list(labels.shape)}, "
            f"must be one label for each of {count(len(images), 'picture')}"
        )
    if len(images) == 0:
        raise ValueError(f"{image_path} holds no picture")
    if int(labels.max()) > 9:
        raise ValueError(f"{label_path} holds the label {int(labels.max())}, must be 0 to 9")
    return images, labels, data_hash(images, labels)


def data_hash(images: Tensor, labels: Tensor) -> str:
    """Hash of what a network is trained on: sha256 of the shape, the pixels and the labels."""
    digest = hashlib.sha256(repr(list(images.shape)).encode())
    digest.update(images.numpy().tobytes())
    digest.update(labels.to(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def download_mnist(
    folder: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    mirrors: tuple[str, ...] = MIRRORS,
) -> Path:
    """Fetch the four files that are not in the folder yet, and check what they unpack to.

    Args:
        folder: where they go; the user's cache folder, or $NODEGRAPH_CACHE, when absent.
        progress: called with how many files are done and how many there are.
        mirrors: addresses tried in order, each ending in a slash.

    Returns:
        The folder.

    Raises:
        ValueError: no mirror gave a file whose unpacked bytes have the known checksum.
    """
    import pooch  # type: ignore[import-untyped]

    if folder is None:
        folder = Path(os.environ.get("NODEGRAPH_CACHE") or pooch.os_cache("nodegraph")) / "mnist"
    fetch = pooch.HTTPDownloader(timeout=30)
    for done, name in enumerate(SHA256):
        if progress is not None:
            progress(done, len(SHA256))
        if not _is_genuine(folder / f"{name}.gz", SHA256[name]):
            _download(folder, name, mirrors, fetch)
    if progress is not None:
        progress(len(SHA256), len(SHA256))
    return folder


def _download(folder: Path, name: str, mirrors: tuple[str, ...], fetch: Callable[[str, str, None], object]) -> None:
    target = folder / f"{name}.gz"
    arriving = folder / f"{name}.gz.part"
    failures = []
    for mirror in mirrors:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            arriving.unlink(missing_ok=True)
            fetch(f"{mirror}{name}.gz", str(arriving), None)
        except OSError as error:  # those of requests are OSErrors too
            failures.append(f"{mirror}: {error}")
            continue
        if _is_genuine(arriving, SHA256[name]):
            arriving.replace(target)
            return
        arriving.unlink()
        failures.append(f"{mirror}: what came has another sha256 than {SHA256[name]}")
    raise ValueError(
        f"{name}.gz could not be downloaded ({'; '.join(failures)}); "
        f"put the file into {folder} yourself, or give a folder that holds it"
    )


def _is_genuine(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    try:
        return hashlib.sha256(_unpacked(path)).hexdigest() == sha256
    except ValueError:
        return False


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise ValueError(f"{folder} holds neither {name} nor {name}.gz; give the folder with the MNIST files")


def _unpacked(path: Path) -> bytes:
    """The bytes of a file, unpacked when they are gzipped, whatever the file is called."""
    try:
        with path.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                file.seek(0)
                data = file.read(_LARGEST + 1)
            else:
                file.seek(0)
                with gzip.open(file) as packed:
                    data = packed.read(_LARGEST + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is a damaged gzip file: {error}; fetch it again") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(data) > _LARGEST:
        raise ValueError(f"{path} unpacks to more than {_LARGEST} bytes, far more than MNIST")
    return data
