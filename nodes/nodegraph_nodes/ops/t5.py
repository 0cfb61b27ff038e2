"""T5 as a text encoder: what DeepFloyd IF's networks are told prompts by.

The encoder is far larger than what it makes. It is loaded once, shared through the store, brought to the device for
one prompt and taken off again before the embedding is handed on, so that the next network finds room there.
"""

import threading
from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nodegraph_nodes.ops.checkpoints import Checkpoint
from nodegraph_nodes.ops.embeddings import TOKENS
from nodegraph_nodes.ops.loading import explained, pretrained
from nodegraph_nodes.ops.networks import Store, module_bytes
from nodegraph_nodes.ops.shortages import Shortage, attempt, with_room
from nodegraph_nodes.ops.traits import encoder_width
from nodegraph_nodes.ops.words import count

Tell = Callable[[int, str], object]


class Encoded(NamedTuple):
    """What became of a prompt.

    Attributes:
        embedding: (1, 77, D), float32, on the CPU; what stands behind the prompt's end is in it as well.
        cut: how many tokens did not fit and were left out.
    """

    embedding: Tensor
    cut: int


class Encoder:
    """A network and its tokenizer; whoever has the lock decides which device it is on.

    Args:
        masked: whether the network is told where a prompt ends, so that what stands behind does not count.
    """

    def __init__(self, network: nn.Module, tokenizer: Any, masked: bool = True) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.masked = masked
        self.lock = threading.Lock()

    def encode(self, text: str, device: str) -> Encoded:
        """Encode a prompt on the device that the network is on."""
        whole = len(self.tokenizer(text, verbose=False).input_ids)
        given = self.tokenizer(text, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt")
        with torch.no_grad():
            mask = given.attention_mask.to(device) if self.masked else None
            states = self.network(given.input_ids.to(device), attention_mask=mask)[0]
        return Encoded(states.float().cpu(), max(0, whole - TOKENS))


def encode(
    text: str,
    checkpoint: Checkpoint,
    store: Store,
    *,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
    tell: Tell = lambda step, what: None,
) -> Encoded:
    """Encode a prompt, which was cleaned before.

    Args:
        checkpoint: has `text_encoder` and `tokenizer`.
        store: where the encoder is kept, on the CPU between prompts.
        tell: called with 0 before the encoder is loaded and 1 before the prompt is encoded, and with words.

    Raises:
        ValueError: what is in the folders is no T5.
    """
    key = ("T5", checkpoint.identity, checkpoint.variant_of("text_encoder"), str(dtype))
    need = partial(checkpoint.loaded_bytes, "text_encoder", dtype.itemsize)
    found = encode_by(key, partial(load_encoder, checkpoint, dtype), text, store, device=device, tell=tell, need=need)
    if not found.embedding.isfinite().all():
        raise ValueError(
            f"dtype is {str(dtype).removeprefix('torch.')}, in which T5 overflowed; use bfloat16 or float32"
        )
    return found


def encode_by(
    key: Hashable,
    load: Callable[[], Encoder],
    text: str,
    store: Store,
    *,
    device: str = "cpu",
    tell: Tell = lambda step, what: None,
    need: Callable[[], int] | None = None,
) -> Encoded:
    """Encode a prompt by an encoder, which is brought to the device for that and taken off again.

    Args:
        key: names what `load` loads onto the CPU; equal keys share one encoder. The rest is as of `encode`.
        need: the bytes that loading takes, where they are known before.
    """
    tell(0, "loading the text encoder")
    encoder = store.get(key, load, nbytes=encoder_bytes, need=need)
    tell(1, f'encoding "{text}"')
    with encoder.lock:
        # Another thread may have made the store drop it meanwhile; what is here is not to be loaded again.
        try:
            with store.use(key, lambda: encoder, encoder_bytes, moved, device):
                call = partial(with_room, lambda: encoder.encode(text, device), partial(store.make_room, None, device))
                found = attempt(call)
        finally:
            store.get(key, lambda: encoder, encoder_bytes, moved, "cpu")
    if isinstance(found, Shortage):
        raise store.shortage("a prompt in the text encoder", device, found.reason)
    return found


def encoder_bytes(encoder: Encoder) -> int:
    return module_bytes(encoder.network)


def moved(encoder: Encoder, device: str) -> Encoder:
    encoder.network.to(device)
    return encoder


def load_encoder(checkpoint: Checkpoint, dtype: torch.dtype) -> Encoder:
    """Load network and tokenizer onto the CPU."""
    from transformers import T5EncoderModel

    folder = checkpoint.folder / "text_encoder"
    encoder_width(checkpoint)
    tokenizer = load_tokenizer(checkpoint.folder / "tokenizer")
    network, missing = pretrained(T5EncoderModel, folder, dtype, checkpoint.variant_of("text_encoder"))
    if missing:
        raise ValueError(f"{folder} lacks {count(len(missing), 'weight')}, {missing[0]} among them; download it again")
    check_vocabulary(folder, network, tokenizer)
    return Encoder(network.eval(), tokenizer)


def check_vocabulary(folder: Path, network: Any, tokenizer: Any) -> None:
    """ValueError when the tokenizer names tokens that the network in the folder does not know."""
    if len(tokenizer) > network.config.vocab_size:
        raise ValueError(
            f"{folder} knows {network.config.vocab_size} tokens, but the tokenizer beside it has {len(tokenizer)}; "
            "must be of one checkpoint"
        )


def check_pieces(path: Path) -> None:
    """ValueError when a file is no model of sentencepiece: transformers would make a tokenizer of next to nothing."""
    from sentencepiece import SentencePieceProcessor

    content = path.read_bytes()
    try:
        whole = bool(content) and SentencePieceProcessor(model_proto=content).get_piece_size() > 0
    except RuntimeError:
        whole = False
    if not whole:
        raise ValueError(f"{path} is damaged or cut short; remove it and download it again")


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer, from `spiece.model` where there is no `tokenizer.json`, as in IF's folders."""
    from transformers import T5Tokenizer

    if not (folder / "tokenizer.json").is_file():
        try:
            import google.protobuf  # noqa: F401
        except ImportError:  # transformers would ask for tiktoken, which does not help
            raise ValueError(f"{folder / 'spiece.model'} needs protobuf to be read; pip install protobuf") from None
        check_pieces(folder / "spiece.model")
    with explained(folder):
        return T5Tokenizer.from_pretrained(folder, local_files_only=True)
