"""Checkpoints: a folder as diffusers writes it, or one that the hub's local cache holds. Never the network, no torch.

`locate` is what a node asks. What is not here is a `MissingCheckpoint`, which a download can mend; what is here and
wrong is a plain ValueError, which only its user can.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodegraph_nodes.ops.checkpoint_files import (
    Damaged,
    Lacking,
    inspect_component,
    kind_of,
    names_in,
    numbers_in,
    read_json,
)

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
REVISION = re.compile(r"[A-Za-z0-9][\w.+-]*(/[A-Za-z0-9][\w.+-]*)*", re.ASCII)
COMMIT = re.compile(r"[0-9a-f]{40}")


class MissingCheckpoint(ValueError):
    """What a checkpoint consists of is not on this machine.

    Attributes:
        components: those that are not; `found` are those that are.
        folder: where they would go.
    """

    def __init__(self, message: str, components: tuple[str, ...], folder: Path, found: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.components = components
        self.folder = folder
        self.found = found


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was found whole, as far as the components go that were asked for.

    Attributes:
        folder: holds the folders of the components: unet/, text_encoder/, tokenizer/, scheduler/, ...
        identity: names the content: the commit of a snapshot of the hub; of a plain folder a digest of the names,
            sizes and times of what the components consist of.
        variant: "fp16" where the weights that were asked for are there as such, else "".
        found: the components, each with the variant that its weights are here in.
    """

    folder: Path
    identity: str
    variant: str = ""
    found: tuple[tuple[str, str], ...] = ()

    def config(self, component: str) -> dict[str, Any]:
        """The config of a component; ValueError names the file that cannot be read."""
        return read_json(self.folder / component / kind_of(component).config)

    def variant_of(self, component: str) -> str:
        """The variant that the weights of a component are here in."""
        return dict(self.found).get(component, self.variant)

    def loaded_bytes(self, component: str, itemsize: int) -> int:
        """What the weights of a component take in memory, a number in `itemsize` bytes; 0 if that cannot be told."""
        try:
            return itemsize * numbers_in(self.folder, component, self.variant_of(component))
        except ValueError:  # what is wrong with them is told when they are loaded
            return 0

    def has(self, component: str) -> bool:
        """Whether an optional component ("watermarker?") was found."""
        return component in dict(self.found)


def locate(checkpoint: str, components: Sequence[str], revision: str = "main", variant: str = "fp16") -> Checkpoint:
    """Find a checkpoint on this machine.

    Args:
        checkpoint: a folder, or an id such as "DeepFloyd/IF-I-XL-v1.0" that the hub's local cache is asked for.
        components: the folders that have to be in it and whole; one that may be absent ends in "?".
        revision: branch, tag or commit; it means nothing for a folder.
        variant: the weights that are preferred where a component has such; "" for the plain ones.

    Raises:
        MissingCheckpoint: (a part of) it is not here; `nodegraph fetch FILE` downloads it.
        ValueError: it is no checkpoint, or one that lacks something, is damaged or half-downloaded.
    """
    place = folder_of(checkpoint)
    if place is not None:
        return in_folder(place, components, variant)
    snapshot = snapshot_of(checkpoint, revision)
    if snapshot is None:
        wanted = tuple(name for name in components if not name.endswith("?"))
        raise MissingCheckpoint(f"{checkpoint}{at(revision)} is not here; {FETCH}", wanted, stored(checkpoint))
    return in_snapshot(f"{checkpoint}{at(revision)}", snapshot, components, variant)


FETCH = "`nodegraph fetch FILE` downloads what a graph needs"


def at(revision: str) -> str:
    return "" if revision == "main" else f" at {revision}"


def folder_of(checkpoint: str) -> Path | None:
    """The folder that is meant; None for an id of the hub.

    Raises:
        ValueError: it is neither.
    """
    try:
        path = Path(checkpoint).expanduser()
        if checkpoint.strip() and path.is_dir():
            return path
        if checkpoint.strip() and path.exists():
            raise NotADirectoryError
    except NotADirectoryError:
        single = "a single file of weights, which is not read" if single_file(checkpoint) else "a file"
        message = f"{checkpoint} is {single}; must be the folder that holds unet/, text_encoder/ and so on"
        raise ValueError(message) from None
    except (OSError, RuntimeError, ValueError):  # too long a name, no home folder, a null character
        pass
    if is_hub_id(checkpoint):
        return None
    name = checkpoint if checkpoint.strip() and checkpoint.isprintable() else repr(checkpoint)
    name = name if len(name) <= 200 else f"{name[:200]}..."
    raise ValueError(f"{name} is no folder that is here, and no id of the hub such as DeepFloyd/IF-I-XL-v1.0")


def single_file(checkpoint: str) -> bool:
    """Whether it is named like all of a model in one file, as other programs keep it."""
    return Path(checkpoint).suffix.lower() in (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf")


def is_hub_id(checkpoint: str) -> bool:
    return bool(HUB_ID.fullmatch(checkpoint)) and ".." not in checkpoint and "--" not in checkpoint


def hub_cache() -> Path:
    """Where huggingface_hub keeps what it downloads: $HF_HUB_CACHE, or below $HF_HOME."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def stored(checkpoint: str) -> Path:
    """The folder of the cache for an id: blobs/, refs/ and snapshots/."""
    return hub_cache() / f"models--{checkpoint.replace('/', '--')}"


def snapshot_of(checkpoint: str, revision: str) -> Path | None:
    """The folder of the cache that holds a revision; None when there is none.

    Source: huggingface_hub's guide "Understand caching": refs/<revision> holds the commit, snapshots/<commit>/ links
    to the files.
    """
    if not REVISION.fullmatch(revision) or ".." in revision:
        raise ValueError(f"revision is {revision!r}, must be a branch, a tag or a commit, such as main")
    commit = revision
    if not COMMIT.fullmatch(revision):
        try:
            commit = (stored(checkpoint) / "refs" / revision).read_text().strip()
        except (OSError, UnicodeDecodeError):
            return None
    folder = stored(checkpoint) / "snapshots" / commit
    return folder if COMMIT.fullmatch(commit) and folder.is_dir() else None


def in_snapshot(name: str, folder: Path, components: Sequence[str], variant: str) -> Checkpoint:
    """What a snapshot of the hub's cache holds; what it lacks, or holds in part, can be downloaded."""
    found: list[tuple[str, str]] = []
    missing: dict[str, str] = {}
    for component, needed in wishes(folder, components):
        try:
            found.append((component, inspect_component(folder, component, variant)))
        except Lacking as error:
            if needed:
                missing[component] = f"{name} {error}"
        except Damaged as error:
            missing[component] = str(error)
    if missing:
        here = tuple(component for component, _ in found)
        raise MissingCheckpoint(f"{'; '.join(missing.values())}; {FETCH}", tuple(missing), folder, here)
    special = sorted(f"{component}.{used}" for component, used in found if used)
    return checkpoint_of(folder, "+".join([folder.name, *special]), found)


def in_folder(folder: Path, components: Sequence[str], variant: str) -> Checkpoint:
    """What a folder holds that a user named; what it lacks is the user's to mend."""
    found = []
    for component, needed in wishes(folder, components):
        try:
            found.append((component, inspect_component(folder, component, variant)))
        except Lacking as error:
            if needed:
                hint = "" if names_in(folder / component) else advice(folder, components)
                raise ValueError(f"{folder} {error}{hint}") from None
    return checkpoint_of(folder, folder_digest(folder, [component for component, _ in found]), found)


def wishes(folder: Path, components: Sequence[str]) -> list[tuple[str, bool]]:
    """The components, and whether each is needed: an optional one of which nothing is there is not."""
    names = [(component, component.removesuffix("?")) for component in components]
    return [(name, component == name or bool(names_in(folder / name))) for component, name in names]


def checkpoint_of(folder: Path, identity: str, found: list[tuple[str, str]]) -> Checkpoint:
    variants = {used for component, used in found if kind_of(component).weights}
    return Checkpoint(folder, identity, variants.pop() if len(variants) == 1 else "", tuple(found))


def advice(folder: Path, components: Sequence[str]) -> str:
    """What a user probably meant by a folder that lacks a component."""
    wanted = [component for component in components if not component.endswith("?")]
    parts = sorted(path.name for path in folder.iterdir() if (path / kind_of(path.name).config).is_file())
    if set(parts) & set(wanted):
        return f"; it holds {', '.join(parts)}"
    if any((folder / name).is_file() for name in ("config.json", "scheduler_config.json", "tokenizer_config.json")):
        return f"; it is one component, give the folder above it: {folder.absolute().parent}"
    if (folder / "snapshots").is_dir():
        return f"; give one of the folders in {folder / 'snapshots'}"
    below = sorted(path for path in folder.iterdir() if any((path / name).is_dir() for name in wanted))
    if below:
        return f"; give the folder in it that does: {below[0]}"
    holds = f"it holds {', '.join(parts)}; " if parts else ""
    return f"; {holds}must be a checkpoint as diffusers writes it, with {', '.join(f'{name}/' for name in wanted)}"


def folder_digest(folder: Path, components: Sequence[str]) -> str:
    """Names, sizes and times of all files of these components, as one text that changes when one of them does."""
    lines = []
    for component in sorted(components):
        for name in sorted(names_in(folder / component)):
            found = (folder / component / name).stat()
            lines.append(f"{component}/{name}\0{found.st_size}\0{found.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
