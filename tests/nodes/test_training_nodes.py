"""Training as a graph: cancelled in the middle of an epoch and run again, and networks that go through a file."""

from pathlib import Path

import pytest
import torch

from nodegraph import Cancelled, Context, Graph, RunFailed, Session
from nodegraph.control import Control
from nodegraph.events import NodeProgress
from nodegraph.outputs import OutputFolder
from nodegraph.plugins import load_plugins
from nodegraph_nodes.denoisers import unet_mnist
from nodegraph_nodes.training import Trained, load_mnist, load_model, plot_losses, save_model, train_unet
from nodegraph_nodes.types import Model

DATA = Path(__file__).parents[1] / "data" / "mnist"


@pytest.fixture(autouse=True)
def quick_sheets(monkeypatch):
    monkeypatch.setattr("nodegraph_nodes.ops.training.SHEET_STEPS", 2)


def graph() -> Graph:
    return (
        Graph()
        .add("mnist", "LoadMNIST", folder=str(DATA), split="test")
        .add("train", "TrainUNet", epochs=2, batch=50)
        .connect("mnist.dataset -> train.dataset")
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Trained:
    context = Context(output=OutputFolder(tmp_path_factory.mktemp("trained")))
    dataset = load_mnist(context, DATA, "test")
    return train_unet(context, dataset, epochs=2, batch=50)


def test_a_training_that_was_cancelled_goes_on_where_it_was(tmp_path, trained):
    control, steps = Control(), []

    def listen(event):
        if isinstance(event, NodeProgress) and event.node == "train":
            steps.append(event.step)
            if event.step == 6:  # in the middle of the second epoch
                control.cancel()

    with Session(load_plugins(only=["nodegraph_nodes"])) as session:
        with pytest.raises(Cancelled):
            session.run(graph(), emit=listen, control=control, out=tmp_path, device="cpu")
        assert steps[-1] == 6

        steps.clear()
        result = session.run(graph(), emit=listen, out=tmp_path, device="cpu")

    assert steps[0] in (7, 8)  # it stops at the first progress after it was told, and what was learned is kept
    assert result["train", "losses"].values == trained.losses.values
    again = result["train", "model"].weights
    assert all(torch.equal(again[name], value) for name, value in trained.model.weights.items())


def test_a_training_is_cancelled_while_it_draws_the_samples_of_an_epoch(tmp_path, monkeypatch):
    from nodegraph_nodes.ops import training

    control, evaluations, forward = Control(), [], training._Labelled.ask

    def ask(self, p):
        evaluations.append(p.t)
        control.cancel()
        return forward(self, p)

    monkeypatch.setattr("nodegraph_nodes.ops.training.SHEET_STEPS", 50)
    monkeypatch.setattr(training._Labelled, "ask", ask)
    with Session(load_plugins(only=["nodegraph_nodes"])) as session, pytest.raises(Cancelled):
        session.run(graph(), control=control, out=tmp_path, device="cpu")
    assert len(evaluations) == 1  # of fifty


def test_progress_tells_the_epoch_and_the_loss(tmp_path):
    events = []
    context = Context(output=OutputFolder(tmp_path), emit=events.append)
    trained = train_unet(context, load_mnist(context, DATA, "test"), epochs=1, batch=100)

    events = [event for event in events if event.numbers]  # those between them are of the samples
    assert [(event.step, event.total) for event in events] == [(1, 2), (2, 2)]
    assert [event.numbers for event in events] == [{"loss": loss, "epoch": 1} for loss in trained.losses.values]
    assert all(event.text == f"epoch 1 of 1, loss {event.numbers['loss']:.4f}" for event in events)


def test_while_an_epoch_is_drawn_progress_says_so(tmp_path):
    events = []
    with Session(load_plugins(only=["nodegraph_nodes"])) as session:
        session.run(graph(), emit=events.append, out=tmp_path, device="cpu")
    told = [event for event in events if isinstance(event, NodeProgress) and event.node == "train"]
    drawing = [event for event in told if event.text == "drawing the samples of an epoch"]
    assert len(drawing) == 2 * 3  # two steps and their result, for each of two epochs
    assert all(not event.numbers for event in drawing)  # no point of the curve
    assert [event.step for event in told] == sorted(event.step for event in told)


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 0), ("float16", 1e-2)])
def test_a_network_goes_through_a_file(tmp_path, trained, precision, tolerance):
    context = Context(output=OutputFolder(tmp_path))
    path = save_model(context, trained.model, "digits", precision)
    loaded = load_model(path)

    assert path == tmp_path.resolve() / "digits.safetensors"
    assert dict(loaded.config) == dict(trained.model.config)
    assert loaded.metadata["epochs"] == "2"
    x = torch.randn(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    before = unet_mnist(context, "3", trained.model).estimate(x, 500).noise
    after = unet_mnist(context, "3", loaded).estimate(x, 500).noise
    torch.testing.assert_close(after, before, rtol=0, atol=tolerance)


def test_the_sheets_and_the_curve_are_pictures(trained):
    curve = plot_losses(trained.losses)

    assert trained.losses.per_epoch * trained.losses.epochs == len(trained.losses.values) == 8
    for image in (trained.sheets, curve):
        assert image.pixels.shape[0] == 1
        assert image.pixels.min() >= -1
        assert image.pixels.max() <= 1
        assert image.pixels.std() > 0.05


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"\x80\x05.", "pickle"), (b"PK\x03\x04", "pickle"), (b"\x10\0\0\0\0\0\0\0{", "not a whole safetensors file")],
)
def test_only_whole_safetensors_are_read(tmp_path, content, told):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    model = Graph().add("model", "LoadModel", path=str(path))

    with Session(load_plugins(only=["nodegraph_nodes"])) as session, pytest.raises(RunFailed) as failed:
        session.run(model, device="cpu")

    assert told in failed.value.result.failed["model"]
    assert str(path) in failed.value.result.failed["model"]


def test_a_folder_without_the_files_is_named(tmp_path):
    with pytest.raises(ValueError, match="train-images-idx3-ubyte"):
        load_mnist(Context(), tmp_path)


def test_a_network_that_lacks_a_weight_or_holds_nan_is_refused_at_once(tmp_path, trained):
    context = Context(output=OutputFolder(tmp_path))
    config, weights = trained.model.config, trained.model.weights
    name = next(iter(weights))
    lacking = {key: value for key, value in weights.items() if key != name}
    for wrong, told in ((lacking, f"lack {name}"), ({**weights, name: weights[name] * torch.nan}, f"{name} holds NaN")):
        path = save_model(context, Model(config, wrong, {}), "wrong")
        with pytest.raises(ValueError, match=told) as error:
            load_model(path)
        assert str(path) in str(error.value)
