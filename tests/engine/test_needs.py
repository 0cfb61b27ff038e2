"""Which checkpoints a graph needs, what that does to its keys, and value nodes that are known without running."""

from pathlib import Path
from typing import Annotated, NamedTuple

import pytest
from pydantic import Field

from nodegraph import Conversion, Graph, Session, check, node
from nodegraph.checkpoints import CheckpointNeed, CheckpointRest, CheckpointState, in_full
from nodegraph.echoes import UNKNOWN, known_input
from nodegraph.errors import CheckFailed, NodeTypeError
from nodegraph.needs import missing_checkpoints, needed_checkpoints
from nodegraph.planning import make_plan
from nodegraph.portable import portable
from nodegraph.registry import Registry
from nodegraph.signatures import read_spec

Stage = Annotated[str, Field(json_schema_extra={"checkpoint": ["unet", "scheduler"]})]
Text = Annotated[str, Field(json_schema_extra={"checkpoint": ["text_encoder", "unet?"]})]


class Pair(NamedTuple):
    first: str
    second: float


@node("Text", category="Toys", outputs="value", echoes=True)
def text(value: str = "home/model") -> str:
    """A text."""
    return value


@node("Pair", category="Toys", echoes=True)
def pair(first: str = "a/b", second: float = 1) -> Pair:
    """Two values."""
    return Pair(first, second)


@node("Upper", category="Toys", outputs="value")
def upper(value: str = "home/model") -> str:
    """A text that has to be worked out."""
    return value.upper()


@node("Dice", category="Toys", outputs="value", pure=False)
def dice() -> str:
    """A text that may be another each time."""
    return "x"


@node("Stage", category="Toys", outputs="name")
def stage(checkpoint: Stage = "home/model", prompt: str = "", revision: str = "main", variant: str = "fp16") -> str:
    """Load a network."""
    ran.append(f"{checkpoint} {revision} {variant}")
    return checkpoint


@node("Named", category="Toys", outputs="name")
def named(checkpoint: Annotated[Stage, Field(min_length=1)] = "home/model") -> str:
    """Load a network that has to have a name."""
    return checkpoint


@node("Encode", category="Toys", outputs="name")
def encode(checkpoint: Text | None = "home/model") -> str:
    """Load a text encoder."""
    ran.append(f"encode {checkpoint}")
    return checkpoint or ""


ran: list[str] = []


class Shelf:
    """Checkpoints that are here, as a plugin would know them; `asked` is what it was asked for."""

    def __init__(self, **identities: str) -> None:
        self.identities = {name.replace("__", "/"): identity for name, identity in identities.items()}
        self.asked: list[CheckpointNeed] = []

    def find(self, need: CheckpointNeed) -> CheckpointState:
        self.asked.append(need)
        if need.checkpoint.startswith("bad"):
            return CheckpointState("wrong", message=f"{need.checkpoint} is damaged")
        identity = self.identities.get(need.checkpoint)
        if identity is None:
            return CheckpointState("missing", missing=need.components, message=f"{need.checkpoint} is not here")
        return CheckpointState("here", f"/shelf/{need.checkpoint}", f"{identity} {need.revision}")


@pytest.fixture
def shelf(monkeypatch, tmp_path) -> Shelf:
    ran.clear()
    monkeypatch.chdir(tmp_path)
    return Shelf(home__model="one", other__model="two", HOME__MODEL="three")


@pytest.fixture
def registry(shelf) -> Registry:
    registry = Registry([text, pair, upper, dice, stage, named, encode])
    registry.add_checkpoint_finder("shelf", shelf.find)
    return registry


HOME = CheckpointNeed("home/model", ("unet", "scheduler"), "main", "fp16")


# What an input will be


def test_what_is_typed_or_a_default_is_known(registry):
    graph = Graph().add("stage", "Stage", revision="v1")
    assert known_input(graph, registry, "stage", "revision") == "v1"
    assert known_input(graph, registry, "stage", "variant") == "fp16"
    assert known_input(graph, registry, "stage", "no such") is UNKNOWN
    with pytest.raises(ValueError, match="is 3, must be text"):
        known_input(Graph().add("stage", "Stage", revision=3), registry, "stage", "revision")


def test_echoes_hand_on_what_they_are_told(registry):
    graph = Graph().add("a", "Text", value="one").add("b", "Text").add("pair", "Pair").add("stage", "Stage")
    graph = (
        graph.connect("a.value -> b.value").connect("b.value -> pair.first").connect("pair.first -> stage.checkpoint")
    )
    assert known_input(graph, registry, "stage", "checkpoint") == "one"
    with pytest.raises(ValueError, match="is 3, must be text"):
        known_input(graph.set("a", value=3), registry, "stage", "checkpoint")
    assert known_input(graph.disconnect("a.value -> b.value"), registry, "stage", "checkpoint") == "home/model"


@pytest.mark.parametrize("kind", ["Upper", "Dice", "NoSuchType"])
def test_what_is_worked_out_is_not_known(registry, kind):
    graph = Graph().add("a", kind).add("stage", "Stage").connect("a.value -> stage.checkpoint")
    assert known_input(graph, registry, "stage", "checkpoint") is UNKNOWN


def test_a_circle_or_a_link_from_nowhere_is_not_known(registry):
    graph = Graph().add("a", "Text").add("b", "Text").add("stage", "Stage")
    links = ["a.value -> b.value", "b.value -> a.value", "b.value -> stage.checkpoint"]
    assert known_input(Graph(nodes=graph.nodes, links=links), registry, "stage", "checkpoint") is UNKNOWN
    lost = Graph(nodes=graph.nodes, links=["gone.value -> stage.checkpoint"])
    assert known_input(lost, registry, "stage", "checkpoint") is UNKNOWN


def test_a_muted_echo_hands_on_nothing(registry):
    graph = (
        Graph()
        .add("a", "Text", value="one")
        .add("stage", "Stage", checkpoint="two")
        .connect("a.value -> stage.checkpoint")
    )
    assert known_input(graph, registry, "stage", "checkpoint") == "one"
    assert known_input(graph.with_mode("a", "mute"), registry, "stage", "checkpoint") == "two"
    assert known_input(graph.with_mode("a", "bypass"), registry, "stage", "checkpoint") is UNKNOWN


# What a graph needs


def test_each_checkpoint_is_told_once_with_all_components(registry, shelf):
    graph = Graph().add("one", "Stage").add("two", "Stage").add("text", "Encode").add("old", "Stage", revision="v1")
    needs = needed_checkpoints(graph.connect("one.name -> two.prompt"), registry)
    assert [(found.need.revision, found.need.variant, found.nodes) for found in needs.checkpoints] == [
        ("main", "fp16", ("one", "two")), ("main", "", ("text",)), ("v1", "fp16", ("old",)),
    ]  # fmt: skip
    assert needs.checkpoints[0].need == HOME and needs.unknown == ()
    assert len(shelf.asked) == 3


def test_what_one_node_needs_is_optional_no_more(registry):
    @node("Both", category="Toys", outputs="name")
    def both(
        checkpoint: Annotated[str, Field(json_schema_extra={"checkpoint": ["vae?", "unet"]})] = "home/model",
    ) -> str:
        """Load a network."""
        return checkpoint

    registry.add(both)
    (found,) = needed_checkpoints(Graph().add("a", "Encode").add("b", "Both"), registry).checkpoints
    assert found.need.components == ("text_encoder", "unet", "vae?")


def test_nodes_that_do_not_run_need_nothing(registry):
    graph = Graph().add("a", "Stage").with_mode("a", "mute").add("b", "Stage").with_mode("b", "bypass")
    assert needed_checkpoints(graph.add("c", "Encode", checkpoint=None), registry) == ((), (), {})
    assert needed_checkpoints(Graph().add("a", "Stage").add("b", "Stage"), registry, ["b"]).checkpoints[0].nodes == (
        "b",
    )


def test_what_only_a_run_can_tell_is_named(registry, shelf):
    graph = Graph().add("a", "Upper").add("b", "Stage").connect("a.value -> b.checkpoint")
    assert needed_checkpoints(graph, registry) == ((), ("b.checkpoint",), {})
    assert check(graph, registry) == [] and shelf.asked == []


def test_a_folder_is_told_in_full(registry, shelf, tmp_path, monkeypatch):
    (tmp_path / "graphs" / "mine").mkdir(parents=True)
    (tmp_path / "yours").mkdir()
    folders = (tmp_path / "graphs", tmp_path)
    assert in_full("mine", folders) == str(tmp_path / "graphs" / "mine")
    assert in_full("yours", folders) == str(tmp_path / "yours")
    assert in_full(str(tmp_path / "yours"), folders) == str(tmp_path / "yours")
    for other in ("home/model", "", " ", "a\0b", "x" * 5000, None):
        assert in_full(other, folders) == other
    graph = Graph().with_folder(tmp_path / "graphs").add("a", "Stage", checkpoint="mine")
    shelf.identities[str(tmp_path / "graphs" / "mine")] = "four"
    assert needed_checkpoints(graph, registry).checkpoints[0].state.status == "here"
    with Session(registry) as session:
        session.run(graph)
    assert ran == [f"{tmp_path / 'graphs' / 'mine'} main fp16"]


# Check and run


def test_a_missing_checkpoint_is_no_problem_but_keeps_it_from_running(registry):
    graph = Graph().add("first", "Upper").add("a", "Stage", checkpoint="no/model").connect("first.value -> a.prompt")
    assert check(graph, registry) == []
    assert [str(problem) for problem in missing_checkpoints(graph, registry, list(graph.nodes))] == [
        "a (Stage): checkpoint no/model is not here"
    ]
    with (
        Session(registry) as session,
        pytest.raises(CheckFailed, match=r"^a \(Stage\): checkpoint no/model is not here$"),
    ):
        session.run(graph)
    assert ran == []


def test_a_missing_checkpoint_is_told_once_with_the_nodes_that_need_it(registry):
    graph = Graph().add("text", "Encode", checkpoint="no/model")
    for number, stage_id in enumerate("abcde"):
        graph = graph.add(stage_id, "Stage", checkpoint="no/model" if number else "no/other")
    assert [str(problem) for problem in missing_checkpoints(graph, registry, list(graph.nodes))] == [
        "text (Encode): checkpoint no/model is not here; b, c, d and 1 more need it, too",
        "a (Stage): checkpoint no/other is not here",
    ]
    assert [str(problem) for problem in missing_checkpoints(graph, registry, ["c", "d"])] == [
        "c (Stage): checkpoint no/model is not here; d needs it, too"
    ]


def test_a_missing_checkpoint_behind_a_node_without_key_is_told_at_once(registry):
    graph = Graph().add("dice", "Dice").add("a", "Stage", checkpoint="no/model").connect("dice.value -> a.prompt")
    with Session(registry) as session, pytest.raises(CheckFailed, match="no/model is not here"):
        session.run(graph)


def test_what_is_not_needed_may_be_missing(registry):
    graph = Graph().add("a", "Stage", checkpoint="no/model").add("b", "Stage")
    with Session(registry) as session:
        assert session.run(graph, "b")["b", "name"] == "home/model"


def test_a_wrong_checkpoint_is_a_problem_of_the_node(registry):
    graph = Graph().add("name", "Text", value="bad/model").add("a", "Stage").connect("name.value -> a.checkpoint")
    assert [str(problem) for problem in check(graph, registry)] == [
        "a (Stage): checkpoint bad/model is damaged; it comes from name.value"
    ]
    with Session(registry) as session, pytest.raises(CheckFailed, match="bad/model is damaged"):
        session.run(graph)


def test_what_one_value_tells_several_nodes_is_told_once(registry):
    graph, links = Graph().add("name", "Text", value="bad/model").add("text", "Encode"), "name.value -> {}.checkpoint"
    graph = graph.add("own", "Stage", checkpoint="bad/model").connect(links.format("text"))
    for stage_id in "abcde":
        graph = graph.add(stage_id, "Stage").connect(links.format(stage_id))
    assert [str(problem) for problem in check(graph, registry)] == [
        "text (Encode): checkpoint bad/model is damaged; it comes from name.value; the same at a, b, c and 2 more",
        "own (Stage): checkpoint bad/model is damaged",
    ]
    assert [str(problem) for problem in check(graph, registry, targets=["b", "d"])] == [
        "b (Stage): checkpoint bad/model is damaged; it comes from name.value; the same at d"
    ]


def test_a_value_that_its_reader_cannot_take_is_told_before_the_run(registry, shelf):
    graph = Graph().add("name", "Text", value="").add("again", "Text").connect("name.value -> again.value")
    graph = graph.add("a", "Named").add("b", "Named").connect("again.value -> a.checkpoint")
    graph = graph.connect("again.value -> b.checkpoint")
    told = "a (Named): checkpoint is '', must be at least 1 character long; it comes from again.value; the same at b"
    assert [str(problem) for problem in check(graph, registry)] == [told]
    reason = "is '', must be at least 1 character long"
    assert needed_checkpoints(graph, registry) == ((), (), {reason: ("a.checkpoint", "b.checkpoint")})
    assert missing_checkpoints(graph, registry, ["a", "b"]) == [] and shelf.asked == []
    with Session(registry) as session, pytest.raises(CheckFailed, match="must be at least 1 character long"):
        session.run(graph)
    assert check(graph.set("name", value="home/model"), registry) == []
    assert check(graph.with_mode("a", "bypass").with_mode("b", "mute"), registry) == []
    (problem,) = check(graph.set("name", value=3), registry)  # which is told where it stands
    assert str(problem) == "name (Text): value is 3, must be text"


def test_what_a_link_converts_is_not_judged_by_what_it_was(registry):
    registry.add_conversion(Conversion(float, str, str))
    graph = Graph().add("pair", "Pair", second=2.5).add("a", "Named").connect("pair.second -> a.checkpoint")
    assert check(graph, registry) == [] and needed_checkpoints(graph, registry).unknown == ("a.checkpoint",)


def test_a_checkpoint_that_goes_between_two_runs_is_told(registry, shelf):
    graph = Graph().add("a", "Stage")
    with Session(registry) as session:
        session.run(graph)
        del shelf.identities["home/model"]
        with pytest.raises(CheckFailed, match="home/model is not here"):
            session.run(graph)


# Keys


def runs(registry, *graphs: Graph) -> list[str]:
    """What ran when these graphs were run one after the other in one session."""
    ran.clear()
    with Session(registry) as session:
        for graph in graphs:
            session.run(graph)
    return ran


def test_the_same_checkpoint_is_loaded_once(registry):
    graph = Graph().add("a", "Stage")
    assert runs(registry, graph, graph, Graph().add("b", "Stage")) == ["home/model main fp16"]


def test_another_revision_or_variant_is_another_value(registry):
    graph = Graph().add("a", "Stage")
    assert len(runs(registry, graph, graph.set("a", revision="v1"), graph.set("a", variant=""), graph)) == 3


@pytest.mark.parametrize("source", [None, "Text", "Upper", "Dice"])
def test_another_content_under_the_same_name_is_another_value(registry, shelf, source):
    graph = Graph().add("a", "Stage")
    if source is not None:
        graph = graph.add("name", source).connect("name.value -> a.checkpoint")
        shelf.identities["x"] = "five"
    if source == "Text":
        graph = graph.set("name", value="home/model")
    with Session(registry) as session:
        session.run(graph)
        session.run(graph)
        before = len(ran)
        for name in shelf.identities:
            shelf.identities[name] += " changed"
        session.run(graph)
    assert (before, len(ran)) == ((2, 3) if source == "Dice" else (1, 2))


def test_keys_behind_a_linked_checkpoint_are_known_before_the_run(registry):
    graph = Graph().add("name", "Text").add("a", "Stage").connect("name.value -> a.checkpoint")
    graph = graph.add("b", "Upper").connect("a.name -> b.value")
    events: list[str] = []
    with Session(registry) as session:
        session.run(graph)
        session.run(
            graph, "b", keep="targets", emit=lambda event: events.append(f"{event.event} {getattr(event, 'node', '')}")
        )
    assert events == ["RunStarted ", "NodeFinished b", "RunFinished "]
    plan = make_plan(graph, registry, ("b",))
    assert plan.needs == (HOME,) and plan.moving == ("a", "b") and not plan.steps["a"].told


def test_a_checkpoint_is_looked_at_once_for_one_run(registry, shelf):
    graph = Graph()
    for number in range(5):
        graph = graph.add(f"a{number}", "Stage", prompt=str(number))
    with Session(registry) as session:
        session.run(graph)
        shelf.asked.clear()
        session.run(graph)
    assert shelf.asked == [HOME]


# Pictures


@pytest.mark.parametrize("path", ["/home/me/if", "C:\\models\\if", "~/if", "\\\\server\\if"])
def test_a_picture_does_not_tell_where_a_checkpoint_was(registry, path):
    graph = Graph().add("name", "Text", value=path).add("a", "Stage").connect("name.value -> a.checkpoint")
    graph = graph.add("b", "Stage", checkpoint=path, prompt=path).add("other", "Text", value=path)
    told = portable(graph, registry)
    assert (told.nodes["name"].inputs["value"], told.nodes["b"].inputs["checkpoint"]) == ("if", "if")
    assert told.nodes["b"].inputs["prompt"] == told.nodes["other"].inputs["value"] == path


@pytest.mark.parametrize("name", ["DeepFloyd/IF-I-XL-v1.0", "models/if", "./if"])
def test_a_picture_tells_which_checkpoint_it_was(registry, name):
    graph = Graph().add("a", "Stage", checkpoint=name)
    assert portable(graph, registry) == graph


# Plugins


def test_the_first_plugin_that_knows_is_believed(registry, shelf):
    other = Registry([stage])
    other.add_checkpoint_finder("bad", lambda need: 1 / 0)
    other.add_checkpoint_finder("odd", lambda need: "here")
    other.add_checkpoint_finder("silent", lambda need: None)
    assert other.checkpoint_state(HOME).message == "home/model is a checkpoint that no plugin here knows"
    other.add_checkpoint_finder("shelf", shelf.find)
    assert other.checkpoint_state(HOME).identity == "one main"
    assert other.problems == (
        "bad: nodegraph_checkpoint failed: ZeroDivisionError: division by zero",
        "odd: nodegraph_checkpoint returned 'here', must be a CheckpointState",
    )


def test_without_a_plugin_for_it_nothing_can_be_fetched(registry):
    with pytest.raises(ValueError, match="no plugin here knows how large home/model is"):
        registry.checkpoint_rest(HOME)
    with pytest.raises(ValueError, match="no plugin here knows where to download home/model"):
        registry.fetch_checkpoint(HOME, lambda *progress: None)
    told = []
    registry.add_checkpoint_measurer("a", lambda need: None)
    registry.add_checkpoint_measurer("b", lambda need: CheckpointRest(2, 300))
    registry.add_checkpoint_fetcher("a", lambda need, progress: None)
    registry.add_checkpoint_fetcher("b", lambda need, progress: progress(1, 2, need.checkpoint) or True)
    assert registry.checkpoint_rest(HOME) == CheckpointRest(2, 300)
    registry.fetch_checkpoint(HOME, lambda *progress: told.append(progress))
    assert told == [(1, 2, "home/model")]


# Declarations


def test_an_echo_says_so():
    assert read_spec(pair).echoes and read_spec(pair).describe()["echoes"] is True
    assert not read_spec(upper).echoes


def declared(function, **given):
    return node("X", category="Toys", **given)(function)


def other_name(text: str) -> str:
    """Hand on."""
    return text


def other_type(value: int) -> str:
    """Hand on."""
    return str(value)


def nothing(value: int) -> None:
    """Hand on."""


@pytest.mark.parametrize(
    "function, given, told",
    [
        (other_name, {"outputs": "value"}, "there is no input value of type str to be handed on"),
        (other_type, {"outputs": "value"}, "there is no input value of type str to be handed on"),
        (nothing, {}, "there is no output"),
        (other_name, {"outputs": "text", "pure": False}, "pure=False that they may differ"),
    ],
)
def test_what_cannot_be_an_echo_is_refused(function, given, told):
    with pytest.raises(NodeTypeError, match=told):
        read_spec(declared(function, echoes=True, **given))


@pytest.mark.parametrize(
    "kind, components, told",
    [
        (Path, ["unet"], "declare it as str"),
        (list[str], ["unet"], "declare it as str"),
        (str, "unet", "must be names, like"),
        (str, [], "must be names, like"),
        (str, ["../unet"], "must be names, like"),
        (str, [3], "must be names, like"),
    ],
)
def test_a_checkpoint_input_is_declared_well(kind, components, told):
    def loads(x):
        """Load."""

    loads.__annotations__ = {
        "x": Annotated[kind, Field(json_schema_extra={"checkpoint": components})], "return": type(None),
    }  # fmt: skip
    with pytest.raises(NodeTypeError, match=told):
        read_spec(declared(loads))
