"""Downloading what is missing of a checkpoint into the cache of huggingface_hub, where other programs find it.

That library begins a file anew after an interrupt (2.4 throws away what came), and these have many gigabytes. So the
bytes are fetched here: they go on from what came, and are held against the checksum that the hub tells. Names are put
into the cache by the library. Which files there are is decided in `hub`; a pickle is never among them.
"""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from nodegraph_nodes.ops.checkpoints import COMMIT, hub_cache, stored
from nodegraph_nodes.ops.hub import SECONDS, Remaining, RemoteFile, has_checksum, http_error, in_words, is_whole, length

WAITS = (1, 2, 4)  # seconds before the next try; after something came they begin anew
BUSY = (429, 500, 502, 503, 504)  # answers that may be others soon

Progress = Callable[[int, int, str], None]


def download(what: Remaining, progress: Progress) -> None:
    """Bring the files here, one after the other; an interrupt leaves what came, and the next call goes on from there.

    Args:
        progress: called with the bytes that are here, those of all files, and the name of the present one.

    Raises:
        ValueError: in one line: no network, no permission, no room, a licence to be accepted, ...
    """
    if not what.files:
        return
    with in_words(what.checkpoint, what.revision, "; call it again, and it goes on from what came"):
        refuse_full_disk(what)
        total = sum(file.size for file in what.files)
        before = 0
        left = sum(file.begun for file in what.files)
        for file in what.files:
            left -= file.begun
            bring(what, file, partial(tell, progress, before + left, total, file.name))
            before += file.size
        write_reference(what)


def tell(progress: Progress, others: int, total: int, name: str, here: int) -> None:
    progress(others + here, total, name)


def refuse_full_disk(what: Remaining) -> None:
    left = sum(file.left for file in what.files)
    there = next(path for path in (hub_cache(), *hub_cache().absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if left > free:
        raise ValueError(
            f"{what.checkpoint} needs {amount(left)}, but {there} has {amount(free)} free; "
            "make room, or set HF_HUB_CACHE to a folder on another disk"
        )


def amount(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def bring(what: Remaining, file: RemoteFile, told: Callable[[int], None]) -> None:
    """Put one file into the cache, and its name into the snapshot."""
    from huggingface_hub import hf_hub_download, hf_hub_url
    from huggingface_hub.utils import WeakFileLock, build_hf_headers

    folder = stored(what.checkpoint)
    blob, named = folder / "blobs" / file.etag, folder / "snapshots" / what.commit / file.name
    lock = hub_cache() / ".locks" / folder.name / f"{file.etag}.lock"
    for path in (blob, lock):
        path.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):  # of huggingface_hub, which waits for it too
        if not is_whole(blob, file.name, file.size, file.etag):
            url = hf_hub_url(what.checkpoint, file.name, revision=what.commit)
            headers = {**build_hf_headers(library_name="nodegraph"), "Accept-Encoding": "identity"}
            fetch(url, headers, blob.with_name(f"{file.etag}.incomplete"), file, told)
            blob.with_name(f"{file.etag}.incomplete").replace(blob)
    told(file.size)
    if not is_whole(named, file.name, file.size, file.etag):
        named.unlink(missing_ok=True)
        hf_hub_download(what.checkpoint, file.name, revision=what.commit)  # finds the blob, and links to it
        if not named.is_symlink() and named.is_file():
            blob.unlink(missing_ok=True)  # where there are no links it was copied, and one copy is enough


def fetch(url: str, headers: Mapping[str, str], path: Path, file: RemoteFile, told: Callable[[int], None]) -> None:
    """Bring the bytes of one file, going on from what came; a connection that breaks is tried again."""
    waits = iter(WAITS)
    while True:
        before = length(path)
        try:
            stream(url, headers, path, file.size, told)
            break
        except Exception as error:
            if not is_passing(error):
                raise
            if length(path) > before:
                waits = iter(WAITS)
            pause = next(waits, None)
            if pause is None:
                raise
            time.sleep(pause)
    if length(path) != file.size or not has_checksum(path, file.etag):
        path.unlink()
        raise ValueError(f"{file.name} came damaged: its checksum is not the one that the hub tells; fetch it again")


def stream(url: str, headers: Mapping[str, str], path: Path, size: int, told: Callable[[int], None]) -> None:
    from huggingface_hub.utils import get_session, hf_raise_for_status

    here = length(path)
    if here == size and path.is_file():
        return
    asked = {**headers, "Range": f"bytes={here}-"} if 0 < here < size else dict(headers)
    with get_session().stream("GET", url, headers=asked, timeout=SECONDS) as response:
        hf_raise_for_status(response)
        goes_on = response.status_code == 206
        here = here if goes_on else 0
        with path.open("ab" if goes_on else "wb") as opened:
            told(here)
            for chunk in response.iter_bytes():
                opened.write(chunk)
                here += len(chunk)
                told(here)


def is_passing(error: Exception) -> bool:
    """Whether a download that ended so may succeed in a moment."""
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in BUSY
    return isinstance(error, http_error())


def write_reference(what: Remaining) -> None:
    """Say in the cache which commit a branch is at, now that all of it is here."""
    if COMMIT.fullmatch(what.revision):
        return
    reference = stored(what.checkpoint) / "refs" / what.revision
    reference.parent.mkdir(parents=True, exist_ok=True)
    arriving = reference.with_name(f".{reference.name}.{os.getpid()}")
    arriving.write_text(what.commit)
    arriving.replace(reference)
