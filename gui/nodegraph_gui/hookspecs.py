"""The hooks of the editor that a plugin may have; each is a function of that name, marked with `@hookimpl`.

A plugin is a distribution with an entry point in the group `nodegraph.gui` that names the module with its hooks:

    [project.entry-points."nodegraph.gui"]
    curves = "nodegraph_curves.editor"
"""

from collections.abc import Callable
from typing import Any

from pluggy import HookimplMarker, HookspecMarker

__all__ = ["hookimpl"]

hookimpl = HookimplMarker("nodegraph")  # the same mark as in the engine, so that one module may have hooks of both
hookspec = HookspecMarker("nodegraph")


@hookspec(firstresult=True)
def nodegraph_gui_editor(port_name: str) -> Callable[..., Any] | None:
    """What makes the editor of an input: a function of (port, value, parent) that returns an `editors.Editor`.

    `port_name` is "Type.input", such as "CFGCombine.scale", then the name of the input's type, such as "float", or
    what its annotation says by `Field(json_schema_extra={"widget": "curve"})`, as "widget:curve"; the first that a
    plugin answers wins. None where the plugin has none.
    """


@hookspec(firstresult=True)
def nodegraph_gui_viewer(type_name: str) -> Callable[..., Any] | None:
    """What makes the viewer of a type's values, such as "Image": a function of (parent) that returns a widget.

    None where the plugin has none.
    """
