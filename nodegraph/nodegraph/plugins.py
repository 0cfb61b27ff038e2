"""Loading the installed plugins, one by one: one that fails is reported by name and left out.

The built-in nodes come first and through the same door. Nothing is ever installed or looked for elsewhere.
"""

import importlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from pluggy import HookCaller, PluginManager

from . import hookspecs
from .errors import NodeTypeError, PluginError, nearest
from .hookspecs import hookimpl
from .registry import Registry
from .signatures import declaration_of
from .validation import shown

__all__ = ["BUILT_IN", "GROUP", "hookimpl", "load_plugins"]

GROUP = "nodegraph"
BUILT_IN = "nodegraph"


def load_plugins(*, only: Collection[str] | None = None, extra: Iterable[Any] = ()) -> Registry:
    """Make a registry of all that the installed plugins bring.

    Args:
        only: names of distributions or entry points; others are not imported. None: all.
        extra: further plugins, for tests and scripts: modules or other objects with hooks, named by `__name__`.
    """
    registry = Registry()
    for name, version, entry in sorted_entries(only):
        with guarded(registry, name):
            add_plugin(registry, name, version, entry.load())
    for plugin in extra:
        name = getattr(plugin, "__name__", type(plugin).__name__)
        with guarded(registry, name):
            add_plugin(registry, name, getattr(plugin, "__version__", ""), plugin)
    return registry


def sorted_entries(only: Collection[str] | None) -> Iterator[tuple[str, str, EntryPoint]]:
    """Name and version of the distribution with each entry point, the built-in first, then by name."""
    found = [((entry.dist and entry.dist.name) or entry.name, entry) for entry in entry_points(group=GROUP)]
    for name, entry in sorted(found, key=lambda pair: (pair[0] != BUILT_IN, pair[0], pair[1].name)):
        if only is None or name in only or entry.name in only:
            yield name, entry.dist.version if entry.dist else "", entry


@contextmanager
def guarded(registry: Registry, name: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin is a stranger's code, and may raise anything
        reason = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
        registry.add_problem(f"{name}: cannot be loaded: {' '.join(reason.split())}", error)


def add_plugin(registry: Registry, name: str, version: str, plugin: Any) -> None:
    """Ask a plugin for all that it has, then add it; so that one that fails half-way adds nothing."""
    manager = PluginManager("nodegraph")  # of its own, so that each hook can be called for this plugin alone
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name)
    hooks = manager.hook
    problems = list(unknown_hooks(manager, plugin))
    functions = asked(hooks.nodegraph_node_types)
    value_types = asked(hooks.nodegraph_value_types)
    conversions = asked(hooks.nodegraph_conversions)
    registry.add_plugin(name, version)
    for problem in problems:
        registry.add_problem(f"{name}: {problem}")
    for given in functions:
        for function in decorated(registry, name, given):
            added(registry, name, registry.declare, function, name)
    for value_type in value_types:
        added(registry, name, registry.add_value_type, value_type)
    for conversion in conversions:
        added(registry, name, registry.add_conversion, conversion)
    if hooks.nodegraph_migrate.get_hookimpls():
        registry.add_migration(name, lambda node: first(hooks.nodegraph_migrate(node=node)))
    if hooks.nodegraph_event.get_hookimpls():
        registry.add_listener(name, lambda event: hooks.nodegraph_event(event=event))
    add_checkpoint_hooks(registry, name, hooks)
    if hooks.nodegraph_device.get_hookimpls():
        registry.add_device_namer(name, lambda wanted: first(hooks.nodegraph_device(name=wanted)))
    if hooks.nodegraph_memory.get_hookimpls():
        registry.add_memory_teller(name, lambda device, tidy: first(hooks.nodegraph_memory(device=device, tidy=tidy)))


def add_checkpoint_hooks(registry: Registry, name: str, hooks: Any) -> None:
    if hooks.nodegraph_checkpoint.get_hookimpls():
        registry.add_checkpoint_finder(name, lambda need: first(hooks.nodegraph_checkpoint(need=need)))
    if hooks.nodegraph_checkpoint_rest.get_hookimpls():
        registry.add_checkpoint_measurer(name, lambda need: first(hooks.nodegraph_checkpoint_rest(need=need)))
    if hooks.nodegraph_fetch_checkpoint.get_hookimpls():
        registry.add_checkpoint_fetcher(
            name, lambda need, progress: first(hooks.nodegraph_fetch_checkpoint(need=need, progress=progress))
        )


def first(answers: Iterable[Any]) -> Any:
    return next(iter(answers), None)


def asked(hook: HookCaller) -> list[Any]:
    """All that the plugin gives for a hook; PluginError when that is no list."""
    given: list[Any] = []
    for answer in hook():
        if isinstance(answer, (str, bytes)) or not isinstance(answer, Iterable):
            raise PluginError(f"{hook.name} returned {shown(answer)}, must be a list")
        given.extend(answer)
    return given


def unknown_hooks(manager: PluginManager, plugin: Any) -> Iterator[str]:
    known = [name for name in vars(hookspecs) if name.startswith("nodegraph_")]
    for caller in manager.get_hookcallers(plugin) or ():
        # A module may serve the editor as well, whose hooks are another manager's.
        if not caller.has_spec() and not caller.name.startswith("nodegraph_gui_"):
            close = nearest(caller.name, known)
            yield f"{caller.name} is no hook" + (f" ({close})" if close else "")


def decorated(registry: Registry, plugin: str, given: Any) -> Iterator[Callable[..., Any]]:
    """The functions that a plugin's answer stands for: itself, or those that a module declares, in its order."""
    if isinstance(given, str):
        try:
            given = importlib.import_module(given)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin is a stranger's code, and may raise anything
            reason = f"{type(error).__name__}: {error}"
            registry.add_problem(f"{plugin}: module {given} cannot be imported: {' '.join(reason.split())}", error)
            return
    if not isinstance(given, ModuleType):
        yield given
        return
    own = {id(item): item for item in vars(given).values() if declaration_of(item) is not None}
    functions = [item for item in own.values() if item.__module__ == given.__name__]
    if not functions:
        registry.add_problem(f"{plugin}: module {given.__name__} declares no node type")
    yield from functions


def added(registry: Registry, plugin: str, add: Callable[..., None], *given: Any) -> None:
    try:
        add(*given)
    except NodeTypeError as error:
        registry.add_problem(f"{plugin}: {error}", error)
