"""A text encoder in the real folder format, small enough to be made by a test: T5 v1.1, and a sentencepiece model.

What it writes is laid out like the folder of DeepFloyd IF: no `tokenizer.json`, so that `spiece.model` has to be read
with protobuf, and a `config.json` that names float16, whatever the weights are.
"""

import io
import json
from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path

SENTENCES = (
    "a photo of the amalfi coast with white houses above the blue sea",
    "a photo of a man who looks at the camera in the evening light",
    "a photo of a dog, a cat and a red hat on a green chair",
    "an oil painting of people around a campfire in the snow",
    "an oil painting of a snowy mountain village under a yellow moon",
    "an oil painting of an old man with a long grey beard",
    "a lithograph of a skull and of the waterfalls behind it",
    "a lithograph of waterfalls that fall into a deep dark lake",
    "a rocket ship flies to the stars, drawn with a soft pencil",
    "a man wearing a hat, and a high quality picture of a barista",
    "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG; pack my box with five dozen liquor jugs!",
    "0 1 2 3 4 5 6 7 8 9 10 25 300 1920x1080, at 50 % of the price (more or less) & 'so on': \"why\"?",
)
EXTRA_IDS = 100


@cache
def sentencepiece_model(vocabulary: int = 200) -> bytes:
    """A unigram model of the sentences, with the special tokens where T5 has them: <pad> 0, </s> 1, <unk> 2."""
    import sentencepiece

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES),
        model_writer=written,
        model_type="unigram",
        vocab_size=vocabulary,
        hard_vocab_limit=False,
        character_coverage=1.0,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    return written.getvalue()


def write_tokenizer(folder: Path) -> None:
    """`tokenizer/` as IF has it."""
    folder.mkdir(parents=True, exist_ok=True)
    extra = [f"<extra_id_{number}>" for number in range(EXTRA_IDS)]
    special = {"additional_special_tokens": extra, "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    settings = {**special, "extra_ids": EXTRA_IDS, "model_max_length": 77, "sp_model_kwargs": {}}
    settings |= {"name_or_path": "google/t5-v1_1-xxl", "tokenizer_class": "T5Tokenizer"}
    (folder / "spiece.model").write_bytes(sentencepiece_model())
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))


def write_text_encoder(
    folder: Path,
    seed: int = 0,
    *,
    width: int = 32,
    layers: int = 2,
    words: int = 320,
    variants: Sequence[str] = ("",),
    shards: bool = False,
) -> Path:
    """Write `text_encoder/` and `tokenizer/` below a folder, and return the folder.

    Args:
        seed: of the weights.
        width: numbers in each token of the embedding. `words`: how many tokens it knows, of which 260 are used.
        variants: "" for float32 weights in `model.safetensors`, "fp16" for float16 ones in `model.fp16.safetensors`.
        shards: whether the weights are in several files with an index, as the large ones are.
    """
    import torch
    from transformers import T5Config, T5EncoderModel

    config = T5Config(
        vocab_size=words,
        d_model=width,
        d_kv=8,
        d_ff=2 * width,
        num_layers=layers,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        dropout_rate=0.1,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = T5EncoderModel(config).eval()
    place = folder / "text_encoder"
    for variant in variants:
        stored = deepcopy(network).half() if variant == "fp16" else network
        stored.save_pretrained(place, variant=variant or None, max_shard_size="20KB" if shards else "1GB")
    said = json.loads((place / "config.json").read_text())
    said = {name: value for name, value in said.items() if name not in ("dtype", "scale_decoder_outputs")}
    said |= {"tie_word_embeddings": False, "torch_dtype": "float16"}  # as of the real one
    (place / "config.json").write_text(json.dumps(said, indent=2))
    write_tokenizer(folder / "tokenizer")
    return folder
