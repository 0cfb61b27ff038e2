"""One run: the steps of a plan, one after the other, on the thread that asks for it.

What is cached is looked up from the targets backwards, so that nothing before a cached value is even looked at. A value
is handed on by reference and let go when its last reader is done. A node that fails takes only those after it along.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import Any, TypeAlias

from .cache import Entry, MemoryCache
from .context import Context
from .control import Control
from .disk_cache import DiskCache
from .errors import Cancelled
from .events import NodeFailed, NodeFinished, NodeSkipped, NodeStarted, RunCancelled, RunFinished, RunStarted
from .keys import Keys
from .planning import Plan
from .registry import Registry
from .reports import Failure, Teller, failure_of, summary_of
from .steps import Step

__all__ = ["Executor"]

Output: TypeAlias = tuple[str, str]  # node, output
Outputs: TypeAlias = Mapping[str, Any]
log = logging.getLogger("nodegraph")


class Executor:
    """Runs a plan, once.

    Args:
        wanted: the nodes whose values are kept when the run is over.
        keys: the keys of this run; `cache` is None when nothing is to be cached.
        disk: what is behind the cache for node types that are kept on the disk; None when nothing is.
        make_context: makes the context of a node that asks for one.
    """

    def __init__(
        self,
        run: str,
        plan: Plan,
        wanted: Iterable[str],
        *,
        registry: Registry,
        keys: Keys,
        cache: MemoryCache | None,
        control: Control,
        tell: Teller,
        make_context: Callable[[str], Context],
        disk: DiskCache | None = None,
    ) -> None:
        self.run = run
        self.plan = plan
        self.wanted = frozenset(wanted)
        self.kept: dict[str, Outputs] = {}  # of the wanted nodes
        self.failed: dict[str, Failure] = {}
        self.skipped: dict[str, str] = {}
        self.cached: list[str] = []
        self.seconds = 0.0
        self._registry = registry
        self._keys = keys
        self._cache = cache
        self._disk = disk
        self._control = control
        self._tell = tell
        self._make_context = make_context
        self._values: dict[Output, Any] = {}  # of the other nodes, what someone will still read
        self._readers: dict[Output, int] = {}
        self._broken: dict[str, str] = {}  # nodes without values, and the failed one that is to blame

    def execute(self) -> None:
        """Run what the wanted nodes need; raise Cancelled when the control says so."""
        began = perf_counter()
        missing, found = self._look_up()
        try:
            self._begin(missing, found)
            del found
            for step in missing:
                self._control.checkpoint()
                self._take(step)
                self._let_go(step)
        except (Cancelled, KeyboardInterrupt):
            if self._tell.heard:
                self._tell(RunCancelled(self.run))
            raise
        finally:
            self.seconds = perf_counter() - began
        if self._tell.heard:
            self._tell(RunFinished(self.run, self.seconds, tuple(self.failed)))

    def _look_up(self) -> tuple[list[Step], list[tuple[str, Entry]]]:
        """From the wanted nodes backwards: the steps that have to run, in order, and what is cached of others."""
        cache, known, readers = self._cache, self._keys.known, self._readers
        needed = set(self.wanted)
        found: list[tuple[str, Entry]] = []
        missing: list[Step] = []
        for node, step in reversed(self.plan.steps.items()):
            if node not in needed:
                continue
            entry = None
            if cache is not None and node in known and step.passes is None and step.spec.cache != "none":
                entry = cache.get(known[node]) or self._from_disk(step, known[node])
            if entry is not None:
                found.append((node, entry))
                continue
            missing.append(step)
            needed.update(step.sources)
            for wire in step.wires:
                readers[wire.source] = readers.get(wire.source, 0) + 1
        missing.reverse()
        found.reverse()
        return missing, found

    def _from_disk(self, step: Step, key: bytes) -> Entry | None:
        """What an earlier session kept of a step; from now on it is in memory too."""
        if self._disk is None or step.spec.cache != "disk":
            return None
        entry = self._disk.get(key, step.spec)
        if entry is not None and self._cache is not None:
            self._cache.put(key, entry.outputs, entry.summary)
        return entry

    def _begin(self, missing: list[Step], found: list[tuple[str, Entry]]) -> None:
        for node, entry in found:
            self._keep(node, entry.outputs)
        self.cached += [node for node, _ in found]
        self.skipped.update(self.plan.skipped)
        if not self._tell.heard:
            return
        tell, run = self._tell, self.run
        order = tuple([step.node for step in missing if step.passes is None])
        met = {step.node for step in missing}.union(self.cached)
        passed_over = [node for node, step in self.plan.steps.items() if node not in met and step.passes is None]
        tell(RunStarted(run, order, tuple(self.cached), tuple(passed_over)))
        for node, entry in found:
            tell(NodeFinished(run, node, 0.0, True, entry.summary or summary_of(self._registry, entry.outputs)))
        for node, why in self.skipped.items():
            tell(NodeSkipped(run, node, why))

    def _keep(self, node: str, outputs: Outputs) -> None:
        """Hold the outputs that someone will read."""
        if node in self.wanted:
            self.kept[node] = outputs
            return
        for name, value in outputs.items():
            if (node, name) in self._readers:
                self._values[node, name] = value

    def _let_go(self, step: Step) -> None:
        """The step is done with what it read."""
        readers = self._readers
        for wire in step.wires:
            source = wire.source
            if readers[source] > 1:
                readers[source] -= 1
            else:
                del readers[source]
                self._values.pop(source, None)

    def _take(self, step: Step) -> None:
        """Run one step, or find it cached, or skip it; whatever comes of it, the run can go on."""
        if self._broken:
            for source in step.sources:
                if source in self._broken:
                    self._skip(step, self._broken[source])
                    return
        try:
            inputs = self._gather(step)
        except UnusableInput as error:
            self._fail(step, error.reason, error.input)
            return
        key = self._keys.known.get(step.node)
        if key is None or step.told:
            key = self._keys.settle(step, inputs)
        if step.passes is not None:
            self._keep(step.node, {output: inputs[name] for output, name in step.passes.items()})
            return
        if self._cache is None or step.spec.cache == "none":
            key = None
        known = None
        if self._cache is not None and key is not None:
            known = self._cache.get(key) or self._from_disk(step, key)
        if known is not None:  # made meanwhile, by a node that is alike or by another run
            self.cached.append(step.node)
            self._finish(step.node, 0.0, known.outputs, known.summary, cached=True)
        else:
            self._call(step, inputs, key)

    def _gather(self, step: Step) -> dict[str, Any]:
        """The inputs of a step, as its function gets them."""
        # a plan is used again: a node that sorts its list in place may not spoil it
        inputs = {name: list(value) if type(value) is list else value for name, value in step.values.items()}
        for name in step.files:
            inputs[name] = self._keys.files.resolve(inputs[name])
        name = ""
        try:
            for name, source, convert, listed in step.wires:
                kept = self.kept.get(source[0])
                value = self._values[source] if kept is None else kept[source[1]]
                if convert is not None:
                    value = convert(value)
                if not listed:
                    inputs[name] = value
                elif name in inputs:
                    inputs[name].append(value)
                else:
                    inputs[name] = [value]
            ports = step.spec.inputs_by_name
            for name in {wire.input for wire in step.wires} if len(step.wires) > 1 else [w.input for w in step.wires]:
                inputs[name] = ports[name].validate(inputs[name])
        except Exception as error:  # what a conversion raises is up to its plugin
            raise UnusableInput(name, error) from error
        for name in step.linked_files:
            inputs[name] = self._keys.files.resolve(inputs[name])
        for ask in step.asks:
            inputs[ask.input] = self._keys.files.in_full(inputs[ask.input])
        return inputs

    def _call(self, step: Step, inputs: dict[str, Any], key: bytes | None) -> None:
        """Call the function of a node, and keep what it makes."""
        if self._tell.heard:
            self._tell(NodeStarted(self.run, step.node))
        context = None if step.spec.context_name is None else self._make_context(step.node)
        began = perf_counter()
        try:
            outputs = step.spec.call(inputs, context)
        except (Exception, SystemExit) as error:
            stopped = isinstance(error, Cancelled) or (context is not None and context.stopped)
            if stopped and self._control.cancelled:
                raise Cancelled("the run was cancelled") from error
            self._fail(step, error, context=context)
            return
        finally:
            if context is not None:
                context.close()
        if context is not None and context.stopped:
            raise Cancelled("the run was cancelled")  # what the node made of its half-done work is not its value
        seconds = perf_counter() - began
        summary = summary_of(self._registry, outputs) if self._tell.heard else ""
        if self._cache is not None and key is not None:
            self._cache.put(key, outputs, summary)
            if self._disk is not None and step.spec.cache == "disk":
                self._disk.put(key, step.spec, outputs, summary)
        self._finish(step.node, seconds, outputs, summary)

    def _finish(self, node: str, seconds: float, outputs: Outputs, summary: str, cached: bool = False) -> None:
        self._keep(node, outputs)
        if self._tell.heard:
            summary = summary or summary_of(self._registry, outputs)
            self._tell(NodeFinished(self.run, node, seconds, cached, summary))

    def _fail(self, step: Step, error: BaseException, input: str | None = None, context: Context | None = None) -> None:
        log.error("%s (%s) failed", step.node, step.spec.id, exc_info=error)
        failure = failure_of(error, step.spec, input, context)
        self.failed[step.node] = failure
        self._broken[step.node] = step.node
        if self._tell.heard:
            self._tell(NodeFailed(self.run, step.node, *failure))

    def _skip(self, step: Step, blame: str) -> None:
        self._broken[step.node] = blame
        self.skipped[step.node] = f"it needs {blame}, which failed"
        if self._tell.heard:
            self._tell(NodeSkipped(self.run, step.node, self.skipped[step.node]))


class UnusableInput(Exception):
    """What a wire brings cannot be converted, or is out of range."""

    def __init__(self, input: str, reason: Exception) -> None:
        super().__init__(input)
        self.input = input
        self.reason = reason
