"""Which files a component of a checkpoint consists of, in the folders of diffusers, and whether they are whole.

Names are judged the same way on a disk and in a listing of the hub. No network, no torch: of a file of weights the
header is read, never a tensor. A pickle is named as such and never opened.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

INDEX_LIMIT = 1 << 24  # bytes; the index of the largest checkpoint has a few MB
POINTER = b"version https://git-lfs"
PIECE = 0x0A  # field 1, bytes: what protocol buffers write before each piece of a vocabulary
LENGTHS: Mapping[int, int] = MappingProxyType({1: 8, 5: 4})  # of numbers with a fixed length, by their kind
HEADER_LIMIT = 100_000_000  # bytes; what the safetensors library takes at most

WEIGHTS = re.compile(r"(model|diffusion_pytorch_model)(?:\.(\w+))?(-\d{5}-of-\d{5})?(?:\.(\w+))?\.safetensors")
INDEX = re.compile(r"(model|diffusion_pytorch_model)(?:\.(\w+))?\.safetensors\.index(?:\.(\w+))?\.json")
PICKLE = re.compile(r".+\.(bin|pt|pth|ckpt|pkl|msgpack|h5)")
SETTINGS = re.compile(r"(?!.*\.index\b)(.+\.(json|model|txt))")


class Lacking(ValueError):
    """Something of a component is not there; the message goes behind the name of the checkpoint."""


class Damaged(ValueError):
    """A file is not whole, or not what its name says; the message names it."""


@dataclass(frozen=True)
class Kind:
    """What a component has to be.

    Args:
        what: for a message.
        config: the file that describes it.
        classes: matches the class that the config names, when it names one.
        weights: whether files of weights belong to it.
        named: whether the config has to name its class, or nothing here could load it.
        one_of: files of which one has to be there.
    """

    what: str
    config: str = "config.json"
    classes: str = ""
    weights: bool = True
    named: bool = False
    one_of: tuple[str, ...] = ()


VOCABULARIES = ("spiece.model", "tokenizer.json", "vocab.json", "sentencepiece.bpe.model")

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "unet": Kind("a U-Net (UNet2DConditionModel)", classes=r"UNet.*", named=True),
        "vae": Kind("an autoencoder (AutoencoderKL)", classes=r"(Autoencoder|AsymmetricAutoencoder|VQModel).*"),
        "text_encoder": Kind("a text encoder (T5EncoderModel)", classes=r".*(Encoder|Text).*Model.*|U?M?T5.*"),
        "safety_checker": Kind("a safety checker (IFSafetyChecker)", classes=r".*SafetyChecker"),
        "watermarker": Kind("a watermarker (IFWatermarker)", classes=r".*Watermark.*"),
        "tokenizer": Kind(
            "a tokenizer (T5Tokenizer)",
            "tokenizer_config.json",
            classes=r".*(Tokenizer|TokenizersBackend|SentencePieceBackend).*",
            weights=False,
            one_of=VOCABULARIES,
        ),
        "scheduler": Kind("a scheduler (DDPMScheduler)", "scheduler_config.json", r".*Scheduler.*", weights=False),
        "image_noising_scheduler": Kind(
            "a scheduler (DDPMScheduler)", "scheduler_config.json", r".*Scheduler.*", weights=False
        ),
        "feature_extractor": Kind(
            "an image processor (CLIPImageProcessor)",
            "preprocessor_config.json",
            r".*(ImageProcessor|FeatureExtractor|Processor).*",
            weights=False,
        ),
    }
)


def kind_of(component: str) -> Kind:
    """What a component of that name has to be; `text_encoder_2` is another text encoder."""
    return KINDS.get(re.sub(r"_\d+$", "", component), Kind("a model"))


@dataclass(frozen=True)
class Weights:
    """The files of weights of one component in one variant; `index` names the parts of a sharded one, or is ""."""

    variant: str
    files: tuple[str, ...]
    index: str


def weights_among(names: Iterable[str], variant: str) -> Weights | None:
    """The weights among the names of a component's files: in the variant where there are such, else the plain ones."""
    names = sorted(names)
    for wanted in dict.fromkeys((variant, "")):
        files = tuple(name for name in names if WEIGHTS.fullmatch(name) and variant_in(name) == wanted)
        index = next((name for name in names if INDEX.fullmatch(name) and variant_in(name) == wanted), "")
        if files or index:
            return Weights(wanted, files, index)
    return None


def variant_in(name: str) -> str:
    """`fp16` of `model.fp16-00001-of-00002.safetensors` or `model.safetensors.index.fp16.json`; "" of a plain one."""
    found = WEIGHTS.fullmatch(name) or INDEX.fullmatch(name)
    groups = found.groups() if found else ()
    return next((group for group in groups[1:] if group and not group.startswith("-")), "")


def files_among(names: Iterable[str], component: str, variant: str) -> list[str]:
    """The files that a component needs, among all paths of a checkpoint: settings and safetensors, nothing else."""
    inside = [name.removeprefix(f"{component}/") for name in names if name.startswith(f"{component}/")]
    inside = [name for name in inside if "/" not in name]
    files = [name for name in inside if SETTINGS.fullmatch(name)]
    found = weights_among(inside, variant) if kind_of(component).weights else None
    if found is not None:
        files += [*found.files, *([found.index] if found.index else [])]
    return [f"{component}/{name}" for name in sorted(files)]


def pickles_only(names: Iterable[str]) -> str:
    """The first of the weights when they are there as pickles only; "" otherwise."""
    names = sorted(names)
    if any(name.endswith(".safetensors") for name in names):
        return ""
    return next((name for name in names if PICKLE.fullmatch(name)), "")


def inspect_component(folder: Path, component: str, variant: str) -> str:
    """Look at one component of a folder; the variant that its weights are there in.

    Raises:
        Lacking: something is not there, or not yet.
        Damaged: a file is there and not whole.
        ValueError: what is there is something else.
    """
    kind, here = kind_of(component), folder / component
    names = names_in(here)
    if not names:
        raise Lacking(f"holds no {component}/, which should be {kind.what}")
    if kind.config not in names:
        raise Lacking(f"holds no {component}/{kind.config}")
    config = read_json(here / kind.config)
    found = class_of(config)
    if kind.named and not found:
        raise ValueError(f"{here / kind.config} names no class, must be {kind.what}; get the checkpoint again")
    if found and kind.classes and not re.fullmatch(kind.classes, found):
        raise ValueError(f"{here / kind.config} describes a {found}, must be {kind.what}")
    if kind.one_of and not names.intersection(kind.one_of):
        raise Lacking(f"holds in {component}/ neither {kind.one_of[0]} nor {kind.one_of[1]}")
    needed = {"merges.txt"} if kind.one_of and names.intersection(kind.one_of) == {"vocab.json"} else set()
    if needed - names:
        raise Lacking(f"holds no {component}/merges.txt, without which vocab.json is not enough")
    for name in sorted(names.intersection(kind.one_of) | needed):
        if not (here / name).stat().st_size:
            raise ValueError(f"{here / name} is empty, as a download leaves it that was cut short; download it again")
    for name in sorted(name for name in names.intersection(kind.one_of) if name.endswith(".model")):
        refuse_no_pieces(here / name)
    return inspect_weights(folder, component, names, variant) if kind.weights else ""


def inspect_weights(folder: Path, component: str, names: set[str], variant: str) -> str:
    weights = weights_among(names, variant)
    if weights is None:
        begun = [*(folder / component).glob("*.incomplete"), *(folder / component).glob("*.part")]
        begun += (folder / ".cache" / "huggingface" / "download" / component).glob("*.incomplete")
        if begun:
            raise Lacking(f"is half-downloaded: {begun[0].relative_to(folder)} was begun and never finished")
        raise Lacking(why_no_weights(component, names))
    for name in sorted(parts_here(folder, component, names, weights)):
        refuse_damaged(folder / component / name)
    return weights.variant


def parts_here(folder: Path, component: str, names: set[str], weights: Weights) -> set[str]:
    """The files of weights, all of which are there; Lacking when one is not."""
    files = set(weights.files)
    if weights.index:
        parts = parts_of(folder / component / weights.index)
        absent = sorted(parts - names)
        if absent:
            more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
            raise Lacking(
                f"is half-downloaded: {component}/{absent[0]}{more} is not there, which {weights.index} names"
            )
        files |= parts
    elif all("-of-" in name for name in weights.files):
        raise Lacking(f"lacks the index of {component}/{weights.files[0]}, which is one part of several")
    return files


def tensors_in(folder: Path, component: str, variant: str) -> set[str]:
    """The names of all weights of a component, as the headers of its files tell them."""
    return set(shapes_in(folder, component, variant))


def numbers_in(folder: Path, component: str, variant: str) -> int:
    """How many numbers the weights of a component are."""
    return sum(prod(shape) for shape in shapes_in(folder, component, variant).values())


def shapes_in(folder: Path, component: str, variant: str) -> dict[str, tuple[int, ...]]:
    names = names_in(folder / component)
    weights = weights_among(names, variant)
    files = set() if weights is None else parts_here(folder, component, names, weights)
    return {tensor: shape for name in files for tensor, shape in read_header(folder / component / name)[0].items()}


def why_no_weights(component: str, names: set[str]) -> str:
    """Why nothing among the names of a component's files can be loaded."""
    pickle = pickles_only(names)
    others = sorted({variant_in(name) for name in names} - {""})
    if pickle:
        return (
            f"has the weights of {component}/ as a pickle ({pickle}), which could run code and is never opened; "
            "must be .safetensors"
        )
    if others:
        return f"has the weights of {component}/ as {' and '.join(others)} only; set variant to {others[0]}"
    return f"holds no weights in {component}/ (.safetensors)"


def parts_of(index: Path) -> set[str]:
    """The files that an index of weights names."""
    named = read_json(index).get("weight_map")
    if not isinstance(named, dict) or not named:
        raise Damaged(f"{index} names no weights; it was cut short, or is another kind of file")
    parts = {str(name) for name in named.values()}
    odd = next((name for name in sorted(parts) if not WEIGHTS.fullmatch(name)), None)
    if odd is not None:
        raise Damaged(f"{index} names {odd!r}, must name .safetensors files beside it")
    return parts


def refuse_damaged(path: Path) -> None:
    """Damaged when a file of weights is not a whole safetensors file, as far as its header and its length tell."""
    read_header(path)


def refuse_no_pieces(path: Path) -> None:
    """Damaged when a file is no whole vocabulary of sentencepiece, as far as its outline tells.

    That is a message of protocol buffers whose first field, many times, is a piece: bytes of a length that goes before.
    """
    try:
        if path.stat().st_size > INDEX_LIMIT:
            return
        data = path.read_bytes()
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror or error}") from error
    if data.startswith(POINTER):
        raise Damaged(
            f"{path} is a pointer of Git LFS, which stands for the file; download it again, or run git lfs pull"
        )
    if data[0] != PIECE:
        raise Damaged(f"{path} is no vocabulary of sentencepiece; remove it and download it again")
    at = 0
    while at < len(data):  # pieces, then how it was trained and is to be used
        key, at = number_at(data, at)
        length, at = number_at(data, at) if key & 7 in (0, 2) else (0, at + LENGTHS.get(key & 7, len(data)))
        at += length if key & 7 == 2 else 0
    if at != len(data):
        raise Damaged(f"{path} is damaged or cut short; remove it and download it again")


def number_at(data: bytes, at: int) -> tuple[int, int]:
    """A number as protocol buffers write it, seven bits a byte, and where it ends: behind the data when it does not."""
    number = 0
    for shift in range(0, 64, 7):
        if at >= len(data):
            break
        byte, at = data[at], at + 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    return 0, len(data) + 1


def pickled(begin: bytes) -> bool:
    """Whether a file begins like a pickle; safetensors begin with any 8 bytes, the length of their JSON header."""
    return begin.startswith((b"\x80", b"PK\x03\x04")) and begin[8:9] != b"{"


def read_header(path: Path) -> tuple[dict[str, tuple[int, ...]], dict[str, Any]]:
    """The shapes of the tensors in a safetensors file, by name, and its metadata; Damaged when it is not whole."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            begin = file.read(max(8, len(POINTER)))
            if not begin:
                raise Damaged(f"{path} is empty, as a download leaves it that was cut short; download it again")
            if begin == POINTER:
                raise Damaged(
                    f"{path} is a pointer of Git LFS, which stands for the file; download it again, or run git lfs pull"
                )
            if pickled(begin):
                raise Damaged(f"{path} is a pickle (a PyTorch .pt or .ckpt), which could run code; must be safetensors")
            file.seek(8)
            length = int.from_bytes(begin[:8], "little")
            if not 2 <= length <= HEADER_LIMIT:
                raise Damaged(f"{path} is no safetensors file: its header should be {length} bytes long")
            header = file.read(length)
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror or error}") from error
    if size < 8 + length:
        raise Damaged(f"{path} is cut short: {size} bytes, which is less than its header")
    try:
        tensors = json.loads(header)
        ends = [value["data_offsets"][1] for name, value in tensors.items() if name != "__metadata__"]
        wanted = 8 + length + max(ends, default=0)
        metadata = dict(tensors.pop("__metadata__", {}))
        shapes = {name: tuple(map(int, value["shape"])) for name, value in tensors.items()}
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise Damaged(f"{path} is no safetensors file: its header cannot be read") from None
    if size != wanted:
        how = "is cut short" if size < wanted else "has bytes behind its end"
        raise Damaged(f"{path} {how}: {size} bytes, should be {wanted}")
    return shapes, metadata


def names_in(folder: Path) -> set[str]:
    """The names of the files directly in a folder; of a link that leads nowhere, not."""
    try:
        return {path.name for path in folder.iterdir() if path.is_file()}
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise ValueError(f"{folder} cannot be read: {error.strerror or error}") from error


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; Damaged names one that is none."""
    try:
        with path.open("rb") as file:
            data = file.read(INDEX_LIMIT + 1)
        found = json.loads(data) if len(data) <= INDEX_LIMIT else None
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError):
        raise Damaged(f"{path} is no JSON; it was cut short, or is another kind of file") from None
    if not isinstance(found, dict):
        raise Damaged(f"{path} holds no JSON object")
    return found


def class_of(config: Mapping[str, Any]) -> str:
    """The class that a config says it is of; "" when it does not."""
    architectures = config.get("architectures")
    named = [
        config.get("_class_name"),
        architectures[0] if isinstance(architectures, list) and architectures else None,
        config.get("tokenizer_class"),
        config.get("image_processor_type"),
        config.get("feature_extractor_type"),
    ]
    return next((name for name in named if isinstance(name, str) and name), "")
