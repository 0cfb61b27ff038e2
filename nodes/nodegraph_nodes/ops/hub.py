"""The hub: what a revision of a checkpoint holds, and how much of that is not here yet.

All of this asks the network, at the address in $HF_ENDPOINT; `checkpoints` never does. What goes wrong is told in one
line that says what to do, whatever the libraries below say of it.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

from nodegraph_nodes.ops.checkpoint_files import Damaged, files_among, kind_of, refuse_damaged, why_no_weights
from nodegraph_nodes.ops.checkpoints import COMMIT, at, folder_of, hub_cache, snapshot_of, stored

ETAG = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # it becomes the name of a file, so nothing else is taken
SECONDS = 30  # of silence before a connection is given up


@dataclass(frozen=True)
class RemoteFile:
    """A file of a checkpoint that is not here in full.

    Args:
        name: its path in the checkpoint.
        etag: its sha256, or git's sha1 of a small one; the cache names it by that.
        begun: bytes of it that are here.
    """

    name: str
    size: int
    etag: str
    begun: int

    @property
    def left(self) -> int:
        return self.size - self.begun


@dataclass(frozen=True)
class Remaining:
    """What is to be downloaded of a checkpoint, all of one commit."""

    checkpoint: str
    revision: str
    commit: str
    files: tuple[RemoteFile, ...]


def remaining(checkpoint: str, components: Sequence[str], revision: str = "main", variant: str = "fp16") -> Remaining:
    """Ask the hub what these components consist of, and look which of it is here.

    Args: as those of `checkpoints.locate`. A branch that is here already stays at its commit: what is missing has to
        fit what is here.

    Raises:
        ValueError: the hub cannot be asked, or has no such thing; in one line.
    """
    if folder_of(checkpoint) is not None:
        return Remaining(checkpoint, revision, "", ())
    with in_words(checkpoint, revision):
        commit, sizes = listing(checkpoint, revision)
    files = []
    for name in chosen(f"{checkpoint}{at(revision)}", list(sizes), components, variant):
        size, etag = sizes[name]
        if not is_whole(stored(checkpoint) / "snapshots" / commit / name, name, size, etag):
            files.append(RemoteFile(name, size, etag, begun_of(stored(checkpoint) / "blobs", name, size, etag)))
    return Remaining(checkpoint, revision, commit, tuple(files))


def listing(checkpoint: str, revision: str) -> tuple[str, dict[str, tuple[int, str]]]:
    """The commit that is meant, and size and etag of each of its files, by path."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RevisionNotFoundError

    here = snapshot_of(checkpoint, revision)
    for wanted in dict.fromkeys((here.name if here else revision, revision)):
        try:
            info: Any = HfApi().model_info(checkpoint, revision=wanted, files_metadata=True, timeout=SECONDS)
            break
        except RevisionNotFoundError:  # the commit that is here may have been taken back
            if wanted == revision:
                raise
        except (TypeError, KeyError, AttributeError) as error:
            raise NotAHub from error
    files = {}
    for sibling in info.siblings or ():
        etag = sibling.lfs.sha256 if sibling.lfs else sibling.blob_id
        if isinstance(sibling.size, int) and isinstance(etag, str) and ETAG.fullmatch(etag):
            files[sibling.rfilename] = (sibling.size, etag)
    if not isinstance(info.sha, str) or not COMMIT.fullmatch(info.sha):
        raise NotAHub
    return info.sha, files


class NotAHub(Exception):
    """What answers is no hub."""


def chosen(name: str, files: list[str], components: Sequence[str], variant: str) -> list[str]:
    """The paths of what these components need; ValueError when one of them is not there."""
    wanted = [file for file in ("model_index.json",) if file in files]
    for component in components:
        folder = component.removesuffix("?")
        inside = {file.removeprefix(f"{folder}/") for file in files if file.startswith(f"{folder}/")}
        if not inside and component.endswith("?"):
            continue
        if kind_of(folder).config not in inside:
            holds = sorted({file.partition("/")[0] for file in files if "/" in file})
            told = f"; it holds {', '.join(holds)}" if holds else ""
            raise ValueError(f"{name} holds no {folder}/{kind_of(folder).config}{told}")
        needed = files_among(files, folder, variant)
        if kind_of(folder).weights and not any(file.endswith(".safetensors") for file in needed):
            raise ValueError(f"{name} {why_no_weights(folder, inside)}")
        wanted += needed
    return list(dict.fromkeys(wanted))


def is_whole(path: Path, name: str, size: int, etag: str) -> bool:
    """Whether a file is here as the hub has it; of weights, which may be large, the size and the header tell."""
    try:
        if path.stat().st_size != size:
            return False
        if not name.endswith(".safetensors"):
            return has_checksum(path, etag)
        refuse_damaged(path)
    except (OSError, Damaged):
        return False
    return True


def has_checksum(path: Path, etag: str) -> bool:
    """Whether a file is the one of that etag: its sha256, or the sha1 that git gives it."""
    digest = sha256() if len(etag) == 64 else sha1(f"blob {length(path)}\0".encode())
    with path.open("rb") as opened:
        while chunk := opened.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest() == etag


def length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def begun_of(blobs: Path, name: str, size: int, etag: str) -> int:
    """How many bytes of a file are here; all of them when only its name in the snapshot is missing."""
    if is_whole(blobs / etag, name, size, etag):
        return size
    begun = length(blobs / f"{etag}.incomplete")
    return begun if begun <= size else 0


def http_error() -> type[Exception]:
    """What the HTTP library under huggingface_hub raises, whichever that is in this version."""
    from huggingface_hub.errors import HfHubHTTPError

    base = HfHubHTTPError.__bases__[0]
    assert issubclass(base, Exception)
    return base


@contextmanager
def in_words(checkpoint: str, revision: str, hint: str = "") -> Iterator[None]:
    """What goes wrong with the network or the disk, as a ValueError of one line that says what to do.

    `hint` is what to do when the network fails.
    """
    from huggingface_hub import constants, errors

    hub, page = constants.ENDPOINT, f"{constants.ENDPOINT}/{checkpoint}"
    try:
        yield
    except errors.OfflineModeIsEnabled:
        message = "HF_HUB_OFFLINE is set, which forbids to ask the hub; unset it to download"
    except errors.GatedRepoError as error:
        message = gated(checkpoint, page, error.response.status_code)
    except errors.RepositoryNotFoundError:
        message = (
            f"{hub} has no model {checkpoint}, or shows it to others only; "
            "mend the name, or log in (`hf auth login`, or HF_TOKEN)"
        )
    except errors.RevisionNotFoundError:
        message = f"{checkpoint} has no revision {revision}; {page}/tree/main lists the branches"
    except errors.HfHubHTTPError as error:
        message = refused(hub, checkpoint, error.response.status_code)
    except (errors.LocalEntryNotFoundError, http_error()) as error:
        why = first_line(error.__cause__ if isinstance(error, errors.LocalEntryNotFoundError) else error)
        message = f"{hub} cannot be reached for {checkpoint}: {why}{hint}"
    except NotAHub:
        message = f"{hub} does not answer as a hub does when asked for {checkpoint}; HF_ENDPOINT says where the hub is"
    except errors.HFValidationError as error:
        message = f"{checkpoint}: {first_line(error)}"
    except OSError as error:
        message = f"{error.filename or hub_cache()} cannot be written: {error.strerror or error}"
    else:
        return
    raise ValueError(message)


def gated(checkpoint: str, page: str, status: int) -> str:
    log_in = "log in with `hf auth login`, or set HF_TOKEN"
    if status == 403:  # a token was sent, of someone who may not
        return f"{checkpoint} is gated: accept its licence at {page} with your account (for another one, {log_in})"
    return f"{checkpoint} is gated: accept its licence at {page}, then {log_in}"


def refused(hub: str, checkpoint: str, status: int) -> str:
    if status in (401, 403):
        return f"{hub} does not accept your token for {checkpoint} ({status}); `hf auth login` makes a new one"
    return f"{hub} answers {status} when asked for {checkpoint}; try again later"


def first_line(error: BaseException | None) -> str:
    lines = [line.strip() for line in str(error or "").splitlines() if line.strip()]
    return lines[0] if lines else "" if error is None else type(error).__name__
