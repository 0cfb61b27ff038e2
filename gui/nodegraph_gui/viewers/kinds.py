"""What a viewer is: a widget that shows one value of a run, and asks for the views of it that it needs.

The value itself stays in the worker. `info` says what it is and which views it has; each view is asked for by name and
comes back as a PNG, a text or JSON.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

__all__ = ["AskView", "Info", "Viewer", "image_of"]

AskView = Callable[[str, Mapping[str, Any], Callable[[Mapping[str, Any]], None]], None]
"""`ask(view, options, then)`: `then` gets the answer, unless another value has been shown meanwhile."""


@dataclass(frozen=True)
class Info:
    """What the worker says of a value.

    Attributes:
        count: how many pictures or items it holds.
        lines: (label, text) about its parts.
        steps: of a trajectory, for each frame its number and timestep.
    """

    type: str
    name: str = ""
    summary: str = ""
    count: int = 1
    views: tuple[str, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    steps: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Info":
        return cls(
            type=str(told["type"]),
            name=str(told.get("name") or told["type"]),
            summary=str(told.get("summary", "")),
            count=int(told.get("count", 1)),
            views=tuple(told.get("views", ())),
            lines=tuple((str(label), str(text)) for label, text in told.get("lines", ())),
            steps=tuple(told.get("steps") or ()),
        )


class Viewer(QWidget):
    """Base of the viewers; plugins bring their own by the hook `nodegraph_gui_viewer(type_name)`."""

    def show_value(self, info: Info, ask: AskView) -> None:
        """Show another value; what was shown goes."""
        raise NotImplementedError

    def picture(self) -> QImage | None:
        """What can be copied or saved as a picture; None when there is none."""
        return None


def image_of(answer: Mapping[str, Any]) -> QImage:
    """The picture in an answer; a null image when it holds none."""
    data = answer.get("png")
    return QImage.fromData(base64.b64decode(data)) if isinstance(data, str) else QImage()
