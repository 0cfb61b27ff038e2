"""Prompts as they are encoded: cleaned in one of two ways, with each of which there are published pictures."""

import importlib
import warnings
from typing import Any, Literal, get_args

from nodegraph_nodes.ops.words import listed

Cleaning = Literal["clean caption", "lower and strip"]

CLEANERS = {"bs4": "beautifulsoup4", "ftfy": "ftfy"}
"""The modules that cleaning captions needs, and what pip calls them."""


def cleaned(text: str, cleaning: Cleaning) -> str:
    """A prompt as the text encoder gets it.

    Args:
        cleaning: "lower and strip" makes it lower case and takes space off its ends; "clean caption" also takes out
            addresses, HTML, most punctuation, file names, sizes and the like, as captions were cleaned for training.

    Source: diffusers' IFPipeline, whose `encode_prompt` does the first by default and whose `__call__` the second,
    which is theirs, called twice as they do.
    """
    if cleaning == "lower and strip":
        return text.lower().strip()
    if cleaning != "clean caption":
        raise ValueError(f"cleaning is {cleaning!r}, must be one of {listed(get_args(Cleaning))}")
    missing = [package for module, package in CLEANERS.items() if not can_import(module)]
    if missing:  # diffusers would go on without cleaning, and the same seed would give another picture
        raise ValueError(
            f"cleaning is 'clean caption', which needs {' and '.join(missing)}; "
            f"pip install {' '.join(missing)}, or choose 'lower and strip', which is another prompt to the encoder"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # BeautifulSoup warns of prompts that look like a file name
        pipeline = pipeline_class()
        for _ in range(2):
            text = pipeline._clean_caption(pipeline, text)
    return text


def pipeline_class() -> Any:
    """IFPipeline, imported without the remarks of transformers about torchvision, which nothing here needs."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        from diffusers.pipelines.deepfloyd_if.pipeline_if import IFPipeline
    finally:
        logging.set_verbosity(level)
    return IFPipeline


def can_import(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True
