"""The page of the inspector for one node, or for several at once."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from nodegraph import Problem
from nodegraph.graphs import Mode

from .canvases import canvas_of
from .catalogues import Catalogue, Kind, Port
from .documents import Document
from .editors.looks import Look
from .edits import set_colour, set_mode, set_title
from .gui_plugins import GuiPlugins
from .input_rows import InputRow
from .inspector_parts import (
    ColourButton,
    Dot,
    LinkButton,
    Message,
    TitleLine,
    bar,
    heading,
    markdown,
    quiet,
    rule,
    wrapped,
)
from .states import IDLE, NodeState
from .values import duration, value_text

__all__ = ["NodePage", "common_ports", "state_line"]

MODES: tuple[tuple[str, Mode | None, str], ...] = (
    ("Run", None, "Run as usual"),
    ("Mute", "mute", "Give nothing: what needs its outputs takes a default, or is skipped"),
    ("Bypass", "bypass", "Pass on the first input of the same type, unchanged"),
)


class NodePage(QWidget):
    """All that is known of a node, and all that can be changed.

    Args:
        nodes: one id, or several: then what they have in common.
        colours: what a node can be coloured with.
        strip: the colour of its category.
    """

    def __init__(
        self,
        document: Document,
        catalogue: Catalogue,
        nodes: Sequence[str],
        look: Look,
        go: Callable[[str], None],
        *,
        colours: Sequence[str] = (),
        strip: str = "",
        plugins: GuiPlugins | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.document = document
        self.catalogue = catalogue
        self.nodes = tuple(nodes)
        self.look = look
        self.state = IDLE
        self.missing: QWidget | None = None  # says that the type is not installed, until a check says it better
        self.help: QWidget | None = None  # where the help begins, of one node that has more than a line of it
        self._go = go
        self._owner = object()  # of the draft of a title
        self.rows: dict[str, InputRow] = {}
        graph = document.graph
        kinds = [catalogue.get(graph.nodes[node].type) for node in nodes]
        self.kind: Kind | None = kinds[0] if len(nodes) == 1 else None
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(14, 14, 14, 18)
        self.column.setSpacing(10)
        self._head(strip)
        self.messages = QVBoxLayout()
        self.messages.setSpacing(6)
        self.column.addLayout(self.messages)
        self.running = wrapped("", "state")
        self.column.addWidget(self.running)
        self._switches(colours)
        ports = self.kind.inputs if len(nodes) == 1 and self.kind is not None else common_ports(document, kinds, nodes)
        if ports:
            self.column.addWidget(rule())
            self.column.addWidget(heading("Inputs" if len(nodes) == 1 else "Common inputs"))
        for port in ports:
            row = InputRow(document, catalogue, nodes, port, look, go, plugins=plugins)
            self.rows[port.name] = row
            self.column.addWidget(row)
        if len(nodes) > 1 and not ports:
            self.column.addWidget(quiet("They have no input in common that could be set for all of them."))
        if len(nodes) == 1:
            self._tail()
        self.column.addStretch(1)
        self.refresh()
        self.set_problems(())
        self.set_state(IDLE)

    def _head(self, strip: str) -> None:
        one = len(self.nodes) == 1
        graph, document = self.document.graph, self.document
        if one:
            self.title = TitleLine()
            self.title.entered.connect(self._rename)
            self.title.drafted.connect(self._hold_title)
            self.title.destroyed.connect(lambda: document.drafts.drop(self._owner))
            line = bar(self.title)
        else:
            count = QLabel(f"{len(self.nodes)} nodes")
            count.setObjectName("title")
            line = bar(count)
        if strip:
            mark = QLabel()
            mark.setFixedSize(4, 26)
            mark.setStyleSheet(f"background: {strip}; border-radius: 2px;")
            line.insertWidget(0, mark)
        self.column.addLayout(line)
        kinds = sorted({graph.nodes[node].type for node in self.nodes})
        self.about = quiet(", ".join(kinds))
        self.column.addWidget(self.about)
        if one and self.kind is not None and self.kind.summary:
            self.column.addWidget(wrapped(self.kind.summary))
        if one and self.kind is None:
            plugin = graph.nodes[self.nodes[0]].plugin
            where = f"; it comes with {plugin}" if plugin else ""
            missing = f"{kinds[0]} is not installed{where}"
            remedy = "Its values and links are kept; install the plugin to run it."
            self.missing = Message(missing, remedy, self.look.error, self.look)
            self.column.addWidget(self.missing)

    def _switches(self, colours: Sequence[str]) -> None:
        self.modes = QButtonGroup(self)
        self.mode_buttons: dict[Mode | None, QPushButton] = {}
        row = QHBoxLayout()
        row.setSpacing(4)
        for text, mode, help in MODES:
            button = QPushButton(text)
            button.setCheckable(True)
            button.setToolTip(help)
            button.setAccessibleName(f"mode: {text}")
            button.clicked.connect(lambda _=False, wanted=mode: self._set_mode(wanted))
            self.modes.addButton(button)
            self.mode_buttons[mode] = button
            row.addWidget(button)
        row.addStretch(1)
        self.colour = ColourButton(colours, self.look)
        self.colour.chosen.connect(self._set_colour)
        row.addWidget(self.colour)
        self.column.addLayout(row)

    def _tail(self) -> None:
        kind = self.kind
        if kind is None:
            self._kept()
            return
        if kind.outputs:
            self.column.addWidget(rule())
            self.column.addWidget(heading("Outputs"))
            for port in kind.outputs:
                self.column.addLayout(self._output(port))
                if port.help:
                    self.column.addWidget(quiet(port.help))
        rest = kind.help.partition("\n")[2].strip()
        if rest:
            self.column.addWidget(rule())
            self.help = heading("Help")
            self.column.addWidget(self.help)
            self.column.addWidget(markdown(rest))

    def _kept(self) -> None:
        """What a node has whose type is not installed: it can be read, and goes where its links go."""
        graph, node = self.document.graph, self.nodes[0]
        values, links = graph.nodes[node].inputs, graph.in_links[node]
        if values or links:
            self.column.addWidget(rule())
            self.column.addWidget(heading("What it has"))
        for name, value in values.items():
            self.column.addWidget(wrapped(f"{name}  =  {value_text(value)}"))
        for link in links:
            index = "" if link.index is None else f"[{link.index}]"
            row = bar(QLabel(f"{link.input}{index}"), LinkButton(link.source, link.output, self._go))
            row.setStretch(1, 1)
            self.column.addLayout(row)

    def _output(self, port: Port) -> QHBoxLayout:
        name = QLabel(port.name)
        name.setObjectName("name")
        type = QLabel(f"list of {port.type}" if port.is_list else port.type)
        type.setObjectName("quiet")
        row = bar(Dot(self.catalogue.colour(port.base_type)), name, type)
        row.addStretch(1)
        return row

    def refresh(self) -> None:
        """Show what the document says now."""
        graph = self.document.graph
        nodes = [node for node in self.nodes if node in graph.nodes]
        if not nodes:
            return
        if len(self.nodes) == 1:
            placed = graph.nodes[nodes[0]]
            self.title.show_title(placed.title or "", placed.type)
            kind = self.kind
            parts = [placed.type if placed.title else "", *((kind.category, kind.plugin) if kind is not None else ())]
            self.about.setText("  ·  ".join([*filter(None, parts), f"id {nodes[0]}"]))
        modes = {graph.nodes[node].mode for node in nodes}
        self.modes.setExclusive(False)
        for mode, button in self.mode_buttons.items():
            button.setChecked(modes == {mode})
        self.modes.setExclusive(len(modes) == 1)
        colours = canvas_of(graph).colours
        self.colour.show_colour(colours.get(nodes[0]))
        for row in self.rows.values():
            row.refresh()

    def set_problems(self, problems: Sequence[Problem]) -> None:
        """Show what is wrong with the node: all on top, and what is about an input there too."""
        clear(self.messages)
        if self.missing is not None:
            self.missing.setVisible(all(problem.input for problem in problems))
        by_input: dict[str, str] = {}
        for problem in problems:
            text = f"{problem.input} {problem.message}" if problem.input else problem.message
            text = text[:1].upper() + text[1:] if not problem.input else text
            colour = self.look.error if problem.kind == "error" else self.look.warning
            self.messages.addWidget(Message(text, problem.remedy, colour, self.look))
            if problem.input and problem.kind == "error":
                by_input.setdefault(problem.input, problem.message)
        for name, row in self.rows.items():
            row.set_problem(by_input.get(name, ""))

    def set_state(self, state: NodeState) -> None:
        """Show where the node stands in a run."""
        self.state = state
        text = state_line(state) if len(self.nodes) == 1 else ""
        self.running.setText(text)
        self.running.setVisible(bool(text))
        colour = {"failed": self.look.error, "done": self.look.good, "cached": self.look.good}.get(state.phase)
        self.running.setStyleSheet(f"color: {colour or self.look.quiet};")

    def take_typed(self) -> None:
        """Take what is being typed into the title and the inputs."""
        if len(self.nodes) == 1:
            self.title.enter()
        for row in self.rows.values():
            if row.editor is not None and row.editor.draft:
                row.editor.commit()

    def _rename(self, title: str) -> None:
        self.document.edit(f"Rename {self.nodes[0]}", set_title(self.document.graph, self.nodes[0], title))

    def _hold_title(self, title: str | None) -> None:
        """Let a title that is being typed be kept for the case of a crash."""
        drafts, node = self.document.drafts, self.nodes[0]
        if title is None:
            drafts.drop(self._owner)
        else:
            drafts.hold(self._owner, lambda graph: set_title(graph, node, title))

    def _set_mode(self, mode: Mode | None) -> None:
        word = {None: "Run", "mute": "Mute", "bypass": "Bypass"}[mode]
        self.document.edit(f"{word} {self._called()}", set_mode(self.document.graph, self.nodes, mode))
        self.refresh()

    def _set_colour(self, colour: str | None) -> None:
        self.document.edit(f"Colour {self._called()}", set_colour(self.document.graph, self.nodes, colour))

    def _called(self) -> str:
        return self.nodes[0] if len(self.nodes) == 1 else f"{len(self.nodes)} nodes"


def common_ports(document: Document, kinds: Sequence[Kind | None], nodes: Sequence[str]) -> list[Port]:
    """The inputs of data that all nodes have under one name with one type, and that no link feeds in any of them."""
    if not kinds or any(kind is None for kind in kinds):
        return []
    graph = document.graph
    linked = {link.input for node in nodes for link in graph.in_links[node]}
    found = []
    first, *others = [kind.inputs_by_name for kind in kinds if kind is not None]
    for name, port in first.items():
        same = all(name in each and alike(port, each[name]) for each in others)
        if same and port.is_data and name not in linked:
            found.append(port)
    return found


def alike(one: Port, other: Port) -> bool:
    """Whether what can be typed into the one can be typed into the other."""
    return (one.type, one.is_list, one.choices, one.optional) == (
        other.type,
        other.is_list,
        other.choices,
        other.optional,
    ) and (one.minimum, one.maximum) == (other.minimum, other.maximum)


def state_line(state: NodeState) -> str:
    """Where a node stands, in words."""
    took = f" in {duration(state.seconds)}" if state.seconds is not None and state.phase != "cached" else ""
    if state.phase == "idle":
        return ""
    if state.phase == "failed":
        blamed = f"{state.input} " if state.input else ""
        return f"Failed{took}: {blamed}{state.message}" + (f"; {state.remedy}" if state.remedy else "")
    if state.phase == "skipped":
        return f"Skipped: {state.message}" if state.message else "Skipped"
    if state.phase in ("running", "paused"):
        step = f", step {state.step} of {state.total}" if state.total else ""
        left = f", {duration(state.seconds_left)} left" if state.seconds_left is not None else ""
        numbers = "".join(f", {name} {value:.4g}" for name, value in state.numbers.items())
        return f"{state.phase.capitalize()}{step}{left}{numbers}"
    words = {"waiting": "Waits for its turn", "done": "Done", "cached": "Known already, not run again"}
    return words[state.phase] + took + (f"  ·  {state.summary}" if state.summary else "")


def clear(layout: QVBoxLayout) -> None:
    while layout.count():
        item = layout.takeAt(0)
        widget = item.widget() if item is not None else None
        if widget is not None:
            widget.hide()
            widget.deleteLater()
