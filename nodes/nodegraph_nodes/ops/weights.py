"""Files of weights: safetensors only, written whole or not at all, never unpickled."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from nodegraph_nodes.ops.checkpoint_files import pickled


def safetensors_bytes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The content of a safetensors file with these tensors and metadata."""
    from safetensors.torch import save

    return save({name: value.cpu().contiguous() for name, value in tensors.items()}, metadata=dict(metadata))


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors and the metadata of a safetensors file.

    Raises:
        ValueError: it is anything else; a pickle is named as such and never opened.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with path.open("rb") as opened:
            begin = opened.read(9)
        if pickled(begin):
            raise ValueError(f"{path} is a pickle (a PyTorch .pt or .ckpt), which could run code; must be safetensors")
        with safe_open(path, framework="pt") as file:
            # Copied, since what is read is a view of the file, which may change or go.
            return {name: file.get_tensor(name).clone() for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"{path} is not a whole safetensors file ({error}); it was cut short, or is another kind of file"
        ) from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by new content, so that a crash leaves the old one or the new one, whole.

    Raises:
        ValueError: it cannot be written: a full disk, a folder without permission.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror or error}") from error
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
