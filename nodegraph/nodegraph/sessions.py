"""Sessions: the node types, the cache and the networks that outlive a run, and the one call that runs a graph."""

import gc
import os
import sys
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from .cache import MemoryCache
from .checks import check, needed
from .contents import Contents
from .context import Context
from .control import Control
from .cycles import cycles
from .disk_cache import DiskCache
from .errors import CheckFailed, GraphWarning, Problem, RunFailed, UsageError, nearest, with_remedy
from .events import Event
from .execution import Executor
from .files import dumps
from .foreseeing import foreseen
from .graphs import Graph
from .keys import Files, Keys
from .memory import budgets
from .migrations import migrated
from .needs import missing_checkpoints
from .outputs import OutputFolder
from .planning import Plan, make_plan, order_of
from .portable import portable
from .registry import Registry
from .reports import Teller
from .resources import Resources
from .results import Result
from .seeds import equal_seeds
from .validation import shown

__all__ = ["Session", "run"]

MOST_PLANS = 8  # remembered for one graph


class Session:
    """What outlives a run; safe to use from several threads, each with runs of its own.

    Args:
        registry: the node types; those of all installed plugins when None.
        cache_bytes: what the cache of values may hold; 2 GiB or a quarter of the memory, whichever is less, when None.
        memory: what networks may take: bytes or a text such as "6 GiB" for each device, or by device, as in
            {"cuda": "20 GB", "cpu": "32 GB"}. Where it is not said: what is free on a device, less an eighth of it.
        resources: the store of networks, instead of one of its own with that much memory.
        disk_folder: where nodes that say so keep what they made for later sessions; in the cache folder of the user
            when None, which is $NODEGRAPH_CACHE or what the system has for it.
        disk_bytes: what that may take; 2 GiB when None, and nothing is kept when 0.
    """

    def __init__(
        self,
        registry: Registry | None = None,
        *,
        cache_bytes: int | None = None,
        memory: int | str | Mapping[str, int | str] | None = None,
        resources: Resources | None = None,
        disk_folder: str | os.PathLike[str] | None = None,
        disk_bytes: int | None = None,
    ) -> None:
        if registry is None:
            from .plugins import load_plugins

            registry = load_plugins()
        self.registry = registry
        if resources is not None and memory is not None:
            raise UsageError("memory is said, and resources too; the store has budgets of its own, leave one out")
        self.resources = Resources(budgets(memory), registry.memory) if resources is None else resources
        self.cache = MemoryCache(cache_bytes, registry.nbytes)
        self.disk = DiskCache(registry, disk_folder, disk_bytes)
        self.contents = Contents()
        self._told: dict[bytes, tuple[Any, ...]] = {}

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all values in memory and of the networks; the session can still be used."""
        self.cache.clear()
        self.resources.clear()
        self._told.clear()

    def run(
        self,
        graph: Graph,
        targets: Iterable[str] | str | None = None,
        *,
        emit: Callable[[Event], Any] | None = None,
        out: str | os.PathLike[str] | OutputFolder | None = None,
        device: str = "auto",
        keep: Literal["all", "targets"] = "all",
        control: Control | None = None,
        use_cache: bool = True,
        metadata: bool = True,
        previews: bool = True,
        tell_keys: Callable[[Mapping[str, bytes]], Any] | None = None,
    ) -> Result:
        """Run what the targets need, on this thread, and return the values.

        Args:
            targets: nodes whose values are wanted; every node without an outgoing link when None.
            emit: called with each event of this run.
            out: the folder that nodes write to, "output" when None.
            device: where networks run: "auto", "cpu", "cuda:0", ...
            keep: "all" values for the result, or those of the "targets" alone; the others are let go when read.
            control: pauses and cancels this run from another thread.
            use_cache: whether values are looked up and remembered, in memory and on the disk.
            metadata: whether pictures carry the graph.
            previews: whether progress comes with pictures.
            tell_keys: called before the run with the cache key of each node, a mapping that grows as more are found.

        Raises:
            CheckFailed: what the targets need has problems; nothing was run.
            RunFailed: a node failed; `result` has what the others made.
            Cancelled: the control said so; what was done by then is cached.
            UsageError: a target is not there.

        Equal seeds are told as a `GraphWarning`.
        """
        if keep not in ("all", "targets"):
            raise UsageError(f"keep is {shown(keep)}, must be 'all' or 'targets'")
        id = uuid.uuid4().hex
        graph = migrated(graph, self.registry)
        plan = self._plan(graph, targets)
        here = Path.cwd()
        folder = graph.folder or here
        files = Files(self.contents, (folder, here), self.registry.checkpoint_state)
        keys = Keys(plan.steps, plan.keys, plan.moving, files, self._told)
        if files.absent or not all(map(files.identity, plan.needs)):  # not here, or gone since the graph was checked
            refuse(graph, self.registry, plan.targets)
            refuse_missing(graph, self.registry, plan)
        if tell_keys is not None:
            tell_keys(keys.known)
        output = out if isinstance(out, OutputFolder) else OutputFolder("output" if out is None else out)
        tell = Teller(self.registry, emit)
        switch = Control() if control is None else control
        text = Remembered(lambda: dumps(portable(graph, self.registry, self.contents.digest)))
        where = Remembered(lambda: self.registry.device(device))

        def make_context(node: str) -> Context:
            return Context(
                node=node,
                run=id,
                graph=graph,
                output=output,
                device=where,
                resources=self.resources,
                folder=folder,
                metadata=metadata,
                previews=previews,
                control=switch,
                emit=tell if tell.heard else None,
                graph_text=text,
            )

        executor = Executor(
            id,
            plan,
            plan.steps if keep == "all" else plan.targets,
            registry=self.registry,
            keys=keys,
            cache=self.cache if use_cache else None,
            control=switch,
            tell=tell,
            make_context=make_context,
            disk=self.disk if use_cache else None,
        )
        executor.execute()
        result = Result(
            run=id,
            outputs=plan.outputs,
            kept=executor.kept,
            failed={node: with_remedy(failure.message, failure.remedy) for node, failure in executor.failed.items()},
            skipped=executor.skipped,
            cached=tuple(executor.cached),
            files=output.files,
            seconds=executor.seconds,
        )
        if result.failed:
            raise RunFailed(result)
        return result

    def _plan(self, graph: Graph, targets: Iterable[str] | str | None) -> Plan:
        """The plan for these targets, of a graph that has been checked; remembered with the graph."""
        known: dict[Any, Plan] = graph.remember(("plans", self.registry), lambda _: {})
        asked = (targets,) if isinstance(targets, str) else None if targets is None else tuple(dict.fromkeys(targets))
        place = (self.registry.revision, asked)
        plan = known.get(place)
        if plan is None:
            wanted = graph.sinks if asked is None else asked
            for node in wanted:
                if node not in graph.nodes:
                    raise UsageError(with_remedy(f"there is no node {shown(node)}", nearest(node, graph.nodes)))
            with collector_paused():
                if asked is None and len(order_of(graph, wanted)) < len(graph.nodes):
                    # what only leads into a circle is before no sink, yet is to be refused and not passed over
                    wanted += tuple(circle[0] for circle in cycles(graph))
                plan = checked_plan(graph, self.registry, wanted)
            warn_of_oddities(graph, self.registry, wanted)
            if len(known) >= MOST_PLANS:
                known.clear()
            known[place] = plan
        return plan


class Remembered:
    """A text that is worked out when it is first asked for."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make
        self._known: str | None = None

    def __call__(self) -> str:
        if self._known is None:
            self._known = self._make()
        return self._known


@contextmanager
def collector_paused() -> Iterator[None]:
    """Planning makes many small objects that stay and have no circles; the collector would go through them in vain."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def checked_plan(graph: Graph, registry: Registry, targets: tuple[str, ...]) -> Plan:
    """A plan of what has no fault; CheckFailed has every problem."""
    try:
        plan = make_plan(graph, registry, targets)
    except CheckFailed:
        refuse(graph, registry, targets)
        raise
    if not plan.sure:
        refuse(graph, registry, targets)
    return plan


def refuse(graph: Graph, registry: Registry, targets: tuple[str, ...]) -> None:
    """Raise CheckFailed when what the targets need has errors."""
    errors: list[Problem] = [each for each in check(graph, registry, targets=targets) if each.kind == "error"]
    if errors:
        raise CheckFailed(errors)


def refuse_missing(graph: Graph, registry: Registry, plan: Plan) -> None:
    """Raise CheckFailed when a checkpoint is not here: now, rather than after an hour of work before it."""
    problems = missing_checkpoints(graph, registry, tuple(plan.steps))
    if problems:
        raise CheckFailed(problems)


def warn_of_oddities(graph: Graph, registry: Registry, targets: tuple[str, ...]) -> None:
    """Tell what is odd, as of the line that called this module from outside; once for each graph."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__") == __name__:
        frame, level = frame.f_back, level + 1
    nodes = needed(graph, targets)
    odd = [problem for told in foreseen(graph, registry, nodes, targets, ()).values() for problem in told]
    for problem in [] if cycles(graph) else [*odd, *equal_seeds(graph, registry, nodes)]:
        warnings.warn(str(problem), GraphWarning, stacklevel=level)


def run(
    graph: Graph,
    targets: Iterable[str] | str | None = None,
    *,
    registry: Registry | None = None,
    emit: Callable[[Event], Any] | None = None,
    out: str | os.PathLike[str] | OutputFolder | None = None,
    device: str = "auto",
    keep: Literal["all", "targets"] = "all",
    control: Control | None = None,
    use_cache: bool = True,
    metadata: bool = True,
    previews: bool = True,
    memory: int | str | Mapping[str, int | str] | None = None,
) -> Result:
    """Run a graph once, in a session of its own; as `Session.run`, with the `memory` of the session."""
    with Session(registry, memory=memory) as session:
        return session.run(
            graph,
            targets,
            emit=emit,
            out=out,
            device=device,
            keep=keep,
            control=control,
            use_cache=use_cache,
            metadata=metadata,
            previews=previews,
        )
