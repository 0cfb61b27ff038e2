"""Plugins of the editor: editors for inputs and viewers for values, loaded one by one, each under guard.

One that cannot be loaded, or whose editor cannot be made, is reported by name and left out; what the editor has itself
takes its place.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from pluggy import PluginManager
from PySide6.QtWidgets import QWidget

from nodegraph.errors import nearest

from . import hookspecs
from .catalogues import Port

if TYPE_CHECKING:
    from .editors.editor import Editor

__all__ = ["GROUP", "GuiPlugins", "load_gui_plugins"]

GROUP = "nodegraph.gui"
HOOKS = ("nodegraph_gui_editor", "nodegraph_gui_viewer")


class GuiPlugins:
    """The plugins of the editor, in the order in which they are asked.

    Attributes:
        problems: a line for each plugin that did not do what it promised.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._plugins: dict[str, PluginManager] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._plugins)

    def add(self, name: str, plugin: Any) -> None:
        """Take a plugin in: a module or another object with hooks."""
        manager = PluginManager("nodegraph")  # of its own, so that what fails can be told by name
        manager.add_hookspecs(hookspecs)
        manager.register(plugin, name)
        for caller in manager.get_hookcallers(plugin) or ():
            if not caller.has_spec() and caller.name.startswith("nodegraph_gui_"):
                close = nearest(caller.name, HOOKS)
                self.problems.append(f"{name}: {caller.name} is no hook" + (f" ({close})" if close else ""))
        self._plugins[name] = manager

    def fail(self, name: str, what: str, error: BaseException) -> None:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        line = f"{name}: {what}: {reason}"
        if line not in self.problems:
            self.problems.append(line)

    def makers(self, hook: str, **asked: str) -> Iterator[tuple[str, Callable[..., Any]]]:
        """What the plugins answer to a hook, with the name of each."""
        for name, manager in self._plugins.items():
            try:
                maker = getattr(manager.hook, hook)(**asked)
            except Exception as error:  # a plugin is a stranger's code, and may raise anything
                self.fail(name, f"{hook} failed", error)
                continue
            if maker is None:
                continue
            if callable(maker):
                yield name, maker
            else:
                self.fail(name, f"{hook} failed", TypeError(f"returned {maker!r:.60}, must be a function"))

    def make_editor(self, port: Port, value: Any, parent: QWidget | None = None, *, kind: str = "") -> "Editor | None":
        """The editor that a plugin has for an input of a kind of node; None when none has one that can be made."""
        from .editors.editor import Editor

        for asked in editor_names(port, kind):
            for name, maker in self.makers("nodegraph_gui_editor", port_name=asked):
                try:
                    made = maker(port, value, parent)
                    if not isinstance(made, Editor):
                        raise TypeError(f"returned a {type(made).__name__}, must be an Editor")
                except Exception as error:
                    self.fail(name, f"the editor for {asked} cannot be made", error)
                    continue
                return made
        return None

    def make_viewer(self, type_name: str, parent: QWidget | None = None) -> QWidget | None:
        """The viewer that a plugin has for a type of values; None when none has one that can be made."""
        for name, maker in self.makers("nodegraph_gui_viewer", type_name=type_name):
            try:
                made = maker(parent)
                if not isinstance(made, QWidget):
                    raise TypeError(f"returned a {type(made).__name__}, must be a QWidget")
            except Exception as error:
                self.fail(name, f"the viewer for {type_name} cannot be made", error)
                continue
            return made
        return None


def editor_names(port: Port, kind: str) -> Sequence[str]:
    """What plugins are asked for an input, the most particular first."""
    widget = port.schema.get("widget")
    names = [f"{kind}.{port.name}"] if kind else []
    if isinstance(widget, str) and widget:
        names.append(f"widget:{widget}")
    return [*names, port.type]


def load_gui_plugins(extra: Iterable[Any] = (), *, installed: bool = True) -> GuiPlugins:
    """Load the editor's plugins.

    Args:
        extra: further ones, for tests: modules or other objects with hooks, named by `__name__`.
        installed: whether those of the group `nodegraph.gui` are loaded.
    """
    plugins = GuiPlugins()
    for name, entry in sorted_entries() if installed else ():
        guarded(plugins, name, entry.load)
    for plugin in extra:
        guarded(plugins, getattr(plugin, "__name__", type(plugin).__name__), partial(given, plugin))
    return plugins


def given(plugin: Any) -> Any:
    return plugin


def guarded(plugins: GuiPlugins, name: str, load: Callable[[], Any]) -> None:
    try:
        plugins.add(name, load())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin is a stranger's code, and may even raise SystemExit
        plugins.fail(name, "cannot be loaded", error)


def sorted_entries() -> Iterator[tuple[str, EntryPoint]]:
    found = [((entry.dist and entry.dist.name) or entry.name, entry) for entry in entry_points(group=GROUP)]
    yield from sorted(found, key=lambda pair: (pair[0], pair[1].name))
