"""Cache keys: the sha256 of how a value was made, never of the value.

A key takes type, plugin, version, validated values, what files and checkpoints hold, and the keys of the sources. Ids
of nodes and names of files are no part of it, so the same graph with other ids has the same keys. A node that may give
another value each time has no key, and neither has what comes after it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from .checkpoints import CheckpointNeed, CheckpointState, in_full
from .contents import Contents
from .portable import resolve_path
from .steps import Step

__all__ = ["Files", "Keys", "static_text", "steady_keys"]

MOST_TOLD = 10_000


def static_text(kind: str, values: Mapping[str, Any], files: Sequence[str], labels: str) -> bytes:
    """What the key of a node takes from the node itself.

    Args:
        kind: type, plugin and version.
        values: of the inputs without a wire, validated and in the order of the signature, so that equal values have
            equal texts; those in `files` count by content instead.
        labels: what each wire does, in the order of the sources.
    """
    if files:
        values = {name: value for name, value in values.items() if name not in files}
    return f"{kind}\n{values}\n{files}\n{labels}".encode("utf-8", "surrogatepass")


def key_of(step: Step, keys: Mapping[str, bytes], contents: bytes = b"") -> bytes:
    return sha256(step.static + contents + b"".join([keys[source] for source in step.sources])).digest()


def steady_keys(steps: Mapping[str, Step]) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The keys that hold for every run, and the nodes whose keys depend on what files hold."""
    keys: dict[str, bytes] = {}
    moving: dict[str, None] = {}
    for node, step in steps.items():
        if not step.spec.pure:
            continue
        if not step.reads:
            try:
                keys[node] = key_of(step, keys)
                continue
            except KeyError:
                pass
        if all(source in keys or source in moving for source in step.sources):
            moving[node] = None
    return keys, tuple(moving)


class Files:
    """What the paths and the checkpoints in a graph mean: relative ones start in the first folder.

    Attributes:
        absent: whether one of them is not here, or cannot be read.
    """

    def __init__(
        self,
        contents: Contents,
        folders: Sequence[Path],
        checkpoint_state: Callable[[CheckpointNeed], CheckpointState] | None = None,
    ) -> None:
        self.absent = False
        self._contents = contents
        self._folders = folders
        self._checkpoint_state = checkpoint_state
        self._identities: dict[CheckpointNeed, str] = {}

    def resolve(self, value: Any) -> Any:
        """A path, or a list of paths, as a node gets it."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, Path):
            return value
        return resolve_path(str(value), self._folders, self._contents.digest) or value

    def in_full(self, checkpoint: Any) -> Any:
        """The name of a checkpoint, as a node gets it: a folder that is here is told in full."""
        return in_full(checkpoint, self._folders)

    def identity(self, need: CheckpointNeed) -> str:
        """What names the content of a checkpoint; "" when it is not here."""
        if need not in self._identities and self._checkpoint_state is not None:
            full = replace(need, checkpoint=self.in_full(need.checkpoint))
            self._identities[need] = self._checkpoint_state(full).identity
        return self._identities.get(need, "")

    def digest(self, value: Any) -> bytes:
        """A text that differs when the content of a file or checkpoint differs, or that of a file in a list."""
        if isinstance(value, CheckpointNeed):
            identity = self.identity(value)
            self.absent = self.absent or not identity
            return f"{identity}\n".encode()
        paths = value if isinstance(value, list) else [value]
        found = [self._contents.digest(path) if isinstance(path, Path) else repr(path) for path in paths]
        self.absent = self.absent or None in found
        return f"{found}\n".encode()


class Keys:
    """The keys of one run.

    The key of a node that is told by a wire what to read can be known before the run if `told`, which a session
    remembers, says what that was under the same key of sources; else it is settled when the node has its inputs.
    """

    def __init__(
        self,
        steps: Mapping[str, Step],
        steady: dict[str, bytes],
        moving: Sequence[str],
        files: Files,
        told: dict[bytes, tuple[Any, ...]],
    ) -> None:
        self.known = dict(steady) if moving else steady
        self.files = files
        self._told = told
        for node in moving:
            self._find(steps[node])

    def _find(self, step: Step) -> None:
        if not all(source in self.known for source in step.sources):
            return
        key = self._own_key(step)
        if step.told:
            told = self._told.get(key)
            if told is None:
                return
            key = self._told_key(step, told)
        self.known[step.node] = key

    def _own_key(self, step: Step) -> bytes:
        return key_of(step, self.known, self._contents(step))

    def _contents(self, step: Step) -> bytes:
        read = [self.files.resolve(step.values[name]) for name in step.files]
        read += [ask.need for ask in step.asks if ask.need is not None]
        return b"".join([self.files.digest(value) for value in read])

    def _told_key(self, step: Step, told: Sequence[Any]) -> bytes:
        """What the files hold takes the place of the keys of who told their names."""
        parts = [step.static, self._contents(step), *map(self.files.digest, told)]
        parts += [self.known[wire.source[0]] for wire in step.wires if wire.input not in step.linked_files]
        return sha256(b"".join(parts)).digest()

    def settle(self, step: Step, inputs: Mapping[str, Any]) -> bytes | None:
        """The key of a step that has its inputs; None for one that may give another value each time."""
        if step.spec.pure and all(source in self.known for source in step.sources):
            key = self._own_key(step)
            if step.told:
                told = tuple([inputs[name] for name in step.linked_files] + needs_told(step, inputs))
                if len(self._told) >= MOST_TOLD:
                    self._told.clear()
                self._told[key] = told
                key = self._told_key(step, told)
            self.known[step.node] = key
        return self.known.get(step.node)


def needs_told(step: Step, inputs: Mapping[str, Any]) -> list[Any]:
    """The checkpoints that the inputs of a step name, where they were not known before."""
    return [
        CheckpointNeed(
            inputs[ask.input], ask.components, str(inputs.get("revision") or "main"), str(inputs.get("variant") or "")
        )
        for ask in step.asks
        if ask.need is None and inputs[ask.input] is not None
    ]
