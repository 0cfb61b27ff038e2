"""Random edits, undos and redos: the document is what lists of graphs are, and each graph is sound and can be saved."""

import json

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import nodegraph
import nodegraph.cycles
from nodegraph import Graph
from nodegraph_gui import edits
from nodegraph_gui.canvases import canvas_of
from nodegraph_gui.documents import Document
from nodegraph_gui.edits import Place

KINDS = ("LoadImage", "GaussianBlur", "ImageGrid", "Transform", "PureNoise", "Seed", "Text", "WeightedSum", "UNetMNIST")
PICK = st.integers(0, 10_000)
LOOKS = ("mute", "bypass", None, "fold", "unfold", "colour", "frame", "arrange", "draw")
SPOT = st.tuples(st.integers(-500, 500), st.integers(-500, 500))
SOME = st.sets(PICK, max_size=4)


class DocumentMachine(RuleBasedStateMachine):
    """`past` holds the graphs that can be undone to and the present one, `future` those that can be redone."""

    catalogue = None

    @initialize(start=st.sampled_from(["", "examples/anagram.json"]))
    def open(self, start):
        graph = edits.laid_out(nodegraph.load(start), self.catalogue) if start else Graph()
        self.document = Document(graph)
        self.past, self.future, self.merge = [graph], [], None
        self.shown = graph
        self.document.subscribe(self.observe)

    def observe(self, change):
        assert change.before == self.shown and change.after is self.document.graph
        self.shown = change.after

    @property
    def graph(self):
        return self.document.graph

    def edit(self, graph, merge=None):
        """What `Document.edit` is to do, by lists alone."""
        self.document.edit("Edit", graph, merge=merge)
        if graph == self.past[-1]:
            return
        self.future.clear()
        if merge is not None and merge == self.merge:
            self.past.pop()
            if graph == self.past[-1]:
                self.merge = None
                return
        self.past.append(graph)
        self.merge = merge

    def node(self, number):
        return list(self.graph.nodes)[number % len(self.graph.nodes)]

    def nodes(self, numbers):
        return {self.node(number) for number in numbers} if self.graph.nodes else set()

    has_nodes = precondition(lambda self: self.graph.nodes)
    has_links = precondition(lambda self: self.graph.links)

    @rule(kind=st.sampled_from(KINDS), at=SPOT)
    def add(self, kind, at):
        graph, id = edits.add_node(self.graph, self.catalogue, kind, at)
        assert graph.nodes[id].type == kind and canvas_of(graph).positions[id] == at
        self.edit(graph)

    @has_nodes
    @rule(number=PICK, at=SPOT)
    def move(self, number, at):
        self.edit(edits.move(self.graph, {self.node(number): at}))

    @has_nodes
    @rule(one=PICK, two=PICK, port=PICK, index=st.none() | st.integers(0, 3))
    def connect(self, one, two, port, index):
        source, target = self.node(one), self.node(two)
        kinds = [self.catalogue.kinds[self.graph.nodes[node].type] for node in (source, target)]
        if not kinds[0].outputs or not kinds[1].inputs:
            return
        output = kinds[0].outputs[port % len(kinds[0].outputs)].name
        free = edits.free_port(self.graph, self.catalogue, Place(source, output, False), target)
        end = free or Place(target, kinds[1].inputs[port % len(kinds[1].inputs)].name, True)
        ends = Place(source, output, False), end
        if edits.why_not_connect(self.graph, self.catalogue, *ends):
            assert free is None
            with pytest.raises(ValueError, match=r"\w"):
                edits.connect(self.graph, self.catalogue, *ends)
            return
        graph = edits.connect(self.graph, self.catalogue, *ends, index=index)
        assert any((link.source, link.target, link.input) == (source, target, end.name) for link in graph.links)
        self.edit(graph)

    @has_links
    @rule(number=PICK)
    def disconnect(self, number):
        link = self.graph.links[number % len(self.graph.links)]
        graph = edits.disconnect(self.graph, link)
        assert len(graph.links) == len(self.graph.links) - 1
        self.edit(graph)

    @has_links
    @rule(number=PICK, place=st.integers(0, 3))
    def move_in_list(self, number, place):
        link = self.graph.links[number % len(self.graph.links)]
        if link.index is not None:
            self.edit(edits.move_in_list(self.graph, link, place))

    @rule(numbers=SOME, heal=st.booleans())
    def delete(self, numbers, heal):
        gone = self.nodes(numbers)
        graph = edits.delete(self.graph, self.catalogue, gone, heal)
        assert set(graph.nodes) == set(self.graph.nodes) - gone
        self.edit(graph)

    @rule(numbers=SOME)
    def extract(self, numbers):
        self.edit(edits.extract(self.graph, self.catalogue, self.nodes(numbers)))

    @precondition(lambda self: len(self.graph.nodes) < 60)
    @rule(numbers=SOME, with_links=st.booleans())
    def duplicate(self, numbers, with_links):
        graph, new = edits.duplicate(self.graph, self.nodes(numbers), with_links)
        assert len(graph.nodes) == len(self.graph.nodes) + len(new)
        self.edit(graph)

    @precondition(lambda self: len(self.graph.nodes) < 60)
    @rule(numbers=SOME, at=st.none() | SPOT)
    def copy_and_paste(self, numbers, at):
        text = edits.copy_text(self.graph, self.nodes(numbers))
        graph, ids = edits.paste_text(self.graph, text, at, self.catalogue)
        assert [graph.nodes[id] for id in ids] == list(nodegraph.loads(text).nodes.values())
        self.edit(graph)

    @has_links
    @has_nodes
    @rule(number=PICK, node=PICK)
    def insert(self, number, node):
        link, node = self.graph.links[number % len(self.graph.links)], self.node(node)
        if not edits.why_not_insert(self.graph, self.catalogue, link, node):
            graph = edits.insert_on_link(self.graph, self.catalogue, link, node, {})
            assert link not in graph.links
            self.edit(graph)

    @has_nodes
    @rule(number=PICK, new=st.sampled_from(["x", "y", "z"]))
    def rename(self, number, new):
        if new not in self.graph.nodes:
            self.edit(edits.rename_id(self.graph, self.node(number), new))

    @rule(
        numbers=SOME,
        how=st.sampled_from(LOOKS),
    )
    def look(self, numbers, how):
        nodes = self.nodes(numbers)
        if how == "fold" or how == "unfold":
            self.edit(edits.set_collapsed(self.graph, nodes, how == "fold"))
        elif how == "colour":
            self.edit(edits.set_colour(self.graph, nodes, "#aabbcc"))
        elif how == "frame" and nodes & canvas_of(self.graph).positions.keys():
            self.edit(edits.add_frame(self.graph, nodes))
        elif how == "arrange":
            self.edit(edits.arrange(self.graph, self.catalogue, nodes or None))
        elif how == "draw":
            graph = self.graph
            for node in sorted(nodes):
                graph = edits.set_drawn(graph, node, "seed", True)
            self.edit(graph)
        elif how in ("mute", "bypass", None):
            self.edit(edits.set_mode(self.graph, nodes, how))

    @has_nodes
    @rule(number=PICK, values=st.lists(st.integers(0, 3), min_size=1, max_size=4), seal=st.booleans())
    def drag_a_slider(self, number, values, seal):
        node = self.node(number)
        for value in values:
            self.edit(edits.set_input(self.graph, node, "seed", value), merge=(node, "seed"))
        if seal:
            self.document.seal()
            self.merge = None

    @has_nodes
    @rule(number=PICK)
    def reset(self, number):
        self.edit(edits.reset_input(self.graph, self.node(number), "seed", "value"))

    @rule(times=st.integers(1, 4))
    def undo(self, times):
        for _ in range(times):
            assert self.document.undo() == (len(self.past) > 1)
            if len(self.past) > 1:
                self.future.append(self.past.pop())
                self.merge = None

    @rule(times=st.integers(1, 4))
    def redo(self, times):
        for _ in range(times):
            assert self.document.redo() == bool(self.future)
            if self.future:
                self.past.append(self.future.pop())
                self.merge = None

    @invariant()
    def the_document_is_what_the_lists_say(self):
        assert self.graph == self.past[-1] == self.shown
        assert bool(self.document.undo_label) == (len(self.past) > 1)
        assert bool(self.document.redo_label) == bool(self.future)

    @invariant()
    def it_can_be_saved_and_read_again(self):
        text = nodegraph.dumps(self.graph)
        assert nodegraph.loads(text) == self.graph
        json.loads(text)

    @invariant()
    def wires_are_sound(self):
        graph, places = self.graph, {}
        for link in graph.links:
            assert link.source in graph.nodes and link.target in graph.nodes
            places.setdefault((link.target, link.input), []).append(link.index)
        for found in places.values():
            assert found == [None] or sorted(found) == list(range(len(found)))
        assert not nodegraph.cycles.cycles(graph)

    @invariant()
    def the_canvas_is_of_nodes_that_are_there(self):
        canvas, nodes = canvas_of(self.graph), self.graph.nodes.keys()
        assert canvas.positions.keys() == nodes
        assert canvas.colours.keys() <= nodes and canvas.collapsed <= nodes
        assert {entry.partition(".")[0] for entry in canvas.drawn_seeds} <= nodes
        assert all(type(number) is int for at in self.graph.canvas.get("positions", {}).values() for number in at)


def test_random_edits_undos_and_redos(catalogue):
    machine = type("Machine", (DocumentMachine,), {"catalogue": catalogue})
    run_state_machine_as_test(machine, settings=settings(max_examples=100, stateful_step_count=40, deadline=None))
