"""Loading what transformers and diffusers keep in folders, without what they say and draw beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nodegraph_nodes.ops.shortages import is_out_of_memory


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what a library says of a folder that it cannot load into one line that names it."""
    try:
        yield
    except Exception as error:  # each of the libraries that take part has errors of its own
        if is_out_of_memory(error):
            raise
        said = " ".join(str(error).split())
        raise ValueError(f"{folder} cannot be loaded: {said[:300]}") from error


def pretrained(kind: Any, folder: Path, dtype: Any, variant: str) -> tuple[Any, list[str]]:
    """A network of transformers from a folder, by its class there, and which weights the folder lacks, sorted.

    The type is always said: config.json names that of whoever saved it last, float16 beside float32 networks.
    """
    with without_bars(), explained(folder):
        network, told = kind.from_pretrained(
            folder,
            dtype=dtype,
            variant=variant or None,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    return network, sorted(told["missing_keys"])


@contextmanager
def without_bars() -> Iterator[None]:
    """Keep transformers from drawing bars of its own over what shows the run."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
