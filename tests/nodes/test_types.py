"""The wire types and the protocol: light to import, frozen, and telling what they are made of."""

import copy
import dataclasses
import subprocess
import sys

import pytest
import torch
from toy_denoisers import LINEAR, ToyNetwork, gaussian, leaf, noise

from nodegraph_nodes import types, value_types
from nodegraph_nodes.ops.denoisers import CFGCombine, FlipAverage, WeightedSum
from nodegraph_nodes.ops.fingerprints import fingerprint
from nodegraph_nodes.ops.hooks import keep_outside
from nodegraph_nodes.ops.views import Flip
from nodegraph_nodes.types import Conditioning, Dataset, Denoiser, Image, Losses, Mask, Model, Noisy, Step, Trajectory

PIXELS = noise(1, 2, 3, 8, dtype=torch.float32)
MODEL = Model({"size": 28}, {"w": torch.ones(2, 3), "b": torch.zeros(3)}, {"epochs": "2"})
WAY = Trajectory(tuple(Step(t, PIXELS + t, PIXELS) for t in (980, 0, -1)), LINEAR)
VALUES = {
    "Image": Image(PIXELS),
    "Mask": Mask(torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(1))),
    "Noisy": Noisy(PIXELS, 500, LINEAR),
    "Conditioning": Conditioning(noise(1, 2, 3, 4)[..., 0], ("a skull", "a lake")),
    "Denoiser": keep_outside(
        CFGCombine(leaf(3, ToyNetwork()), gaussian(1), 2.0), noise(2), torch.ones(1, 1, 12, 12)
    ),
    "Trajectory": WAY,
    "Dataset": Dataset(torch.zeros(3, 28, 28, dtype=torch.uint8), torch.tensor([1, 2, 3]), "abc"),
    "Model": MODEL,
    "Losses": Losses((1.0, 0.5, 0.25, 0.2), 2, 2),
}
BY_TYPE = {declared.type.__name__: declared for declared in value_types.VALUE_TYPES}


LIGHT = ["types", "value_types", "plugin", "noise", "text", "denoisers", "guidance", "sampling"]


@pytest.mark.parametrize("module", LIGHT)
def test_importing_it_imports_nothing_heavy(module):
    heavy = {"torch", "numpy", "PIL", "diffusers"}
    code = f"import sys, nodegraph_nodes.{module}; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_schedules_need_no_torch():
    code = "import sys, nodegraph_nodes.types as t; t.NoiseSchedule.named('linear'); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_everything_named_is_there():
    assert all(hasattr(types, name) for name in types.__all__)


@pytest.mark.parametrize("name", VALUES)
def test_values_are_frozen(name):
    value = VALUES[name]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(value)[0].name, None)


@pytest.mark.parametrize("name", VALUES)
def test_values_show_themselves_on_one_short_line(name):
    shown = repr(VALUES[name])
    if name != "Denoiser":
        assert "\n" not in shown and len(shown) < 200 and shown.startswith(name)


def test_tensors_are_shown_by_their_shapes():
    schedule = "schedule=NoiseSchedule(name='linear')"
    assert repr(VALUES["Noisy"]) == f"Noisy(x=<float32 2 x 3 x 8 x 8>, t=500, {schedule}, space='pixels')"
    assert repr(Noisy(PIXELS)) == "Noisy(x=<float32 2 x 3 x 8 x 8>, t=None, schedule=None, space='pixels')"
    assert repr(WAY) == f"Trajectory(steps=<3 x Step>, {schedule}, space='pixels')"
    assert repr(WAY.steps[1]) == "Step(t=0, x_t=<float32 2 x 3 x 8 x 8>, x0=<float32 2 x 3 x 8 x 8>)"
    assert repr(MODEL) == "Model(config={'size': 28}, weights=<2 x Tensor>, metadata={'epochs': '2'})"


def test_every_wire_type_is_declared_with_a_colour_of_its_own():
    assert set(BY_TYPE) == set(VALUES)
    assert len({declared.colour for declared in BY_TYPE.values()}) == len(BY_TYPE)


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_told_in_a_line(name):
    assert BY_TYPE[name].summary(VALUES[name]) == {
        "Image": "2 x 8 x 8, RGB",
        "Mask": f"8 x 8, grey, {float(VALUES['Mask'].values.mean()):.0%} inside",
        "Noisy": "2 x 8 x 8, RGB, t = 500, linear",
        "Conditioning": '"a skull", "a lake": 3 tokens of 4 numbers',
        "Denoiser": "MaskBlend(CFGCombine(network, ExactGaussian))",
        "Trajectory": "3 steps from t = 980, 2 x 8 x 8, RGB",
        "Dataset": "3 pictures, train",
        "Model": "9 parameters, 2 epochs",
        "Losses": "2 epochs, 0.2250 in the last",
    }[name]


def test_lines_about_special_values():
    told = {name: declared.summary for name, declared in BY_TYPE.items()}
    assert told["Noisy"](Noisy(PIXELS[:1])) == "8 x 8, RGB, pure noise"
    assert told["Image"](Image(torch.zeros(1, 4, 8, 8), "latent:sd")) == "8 x 8, latent:sd"
    assert told["Losses"](Losses((), 0, 0)) == "none"
    deep = gaussian(1)
    for _ in range(9):
        deep = CFGCombine(deep, deep, 2.0)
    assert len(told["Denoiser"](deep)) < 800


@pytest.mark.parametrize("name", [name for name, declared in BY_TYPE.items() if declared.thumbnail])
@pytest.mark.parametrize("size", [64, 256])
def test_a_thumbnail_is_a_png_of_that_size_at_most(name, size):
    import io

    from PIL import Image as Pillow

    png = BY_TYPE[name].thumbnail(VALUES[name], size)
    picture = Pillow.open(io.BytesIO(png))
    assert picture.format == "PNG" and max(picture.size) <= size


def test_latents_have_a_thumbnail_too():
    assert BY_TYPE["Image"].thumbnail(Image(torch.zeros(1, 4, 8, 8), "latent:sd"), 64).startswith(b"\x89PNG")


def size(name, value):
    return sum(dict(BY_TYPE[name].nbytes(value)).values())


def test_bytes_are_counted_once_for_each_storage():
    assert size("Image", VALUES["Image"]) == PIXELS.nbytes
    assert size("Trajectory", WAY) == 4 * PIXELS.nbytes  # three noisy ones, and the clean one that all share
    assert size("Model", MODEL) == 9 * 4
    assert size("Dataset", VALUES["Dataset"]) == 3 * 28 * 28 + 3 * 8
    assert size("Losses", VALUES["Losses"]) > 0
    shared = {**dict(BY_TYPE["Image"].nbytes(Image(PIXELS))), **dict(BY_TYPE["Image"].nbytes(Image(PIXELS[:1])))}
    assert sum(shared.values()) == PIXELS.nbytes


def test_the_bytes_of_a_denoiser_are_what_it_is_bound_to():
    picture, mask = noise(2), torch.ones(1, 1, 12, 12)
    a, b = gaussian(1), leaf([1, 2], ToyNetwork())
    kept = keep_outside(CFGCombine(a, b, 2.0), picture, mask)
    assert size("Denoiser", kept) == a.mean.nbytes + 2 * 8 + picture.nbytes + mask.nbytes


@pytest.mark.parametrize("name", VALUES)
def test_a_copy_is_equal_and_shares_nothing_that_changes(name):
    value, made = VALUES[name], BY_TYPE[name].copy(VALUES[name])
    ours, copies = list(value_types.tensors(value)), list(value_types.tensors(made))
    assert len(ours) == len(copies)
    for a, b in zip(ours, copies, strict=True):
        assert torch.equal(a, b) and a.data_ptr() != b.data_ptr()


def test_a_copied_denoiser_estimates_the_same():
    x = noise(5)
    net = ToyNetwork()
    denoiser = CFGCombine(leaf(3, net), FlipAverage(gaussian(1), leaf(4, net), Flip()), 2.0)
    assert torch.equal(copy.deepcopy(denoiser).estimate(x, 500).noise, denoiser.estimate(x, 500).noise)


def test_conversions_show_what_is_inside():
    made = {(found.source.__name__, found.target.__name__): found.convert for found in value_types.CONVERSIONS}
    assert made["Noisy", "Image"](VALUES["Noisy"]).pixels is PIXELS
    assert made["Trajectory", "Image"](WAY).pixels is PIXELS
    mask = VALUES["Mask"]
    there_and_back = made["Image", "Mask"](made["Mask", "Image"](mask))
    torch.testing.assert_close(there_and_back.values, mask.values)
    with pytest.raises(ValueError, match="in the space latent:sd"):
        made["Image", "Mask"](Image(torch.zeros(1, 4, 8, 8), "latent:sd"))


@pytest.mark.parametrize("name", ["Image", "Mask", "Noisy", "Losses", "Trajectory"])
def test_a_value_shows_itself_in_a_notebook(name):
    assert VALUES[name]._repr_png_().startswith(b"\x89PNG")


def test_latents_do_not():
    assert Image(torch.zeros(1, 4, 8, 8), "latent:sd")._repr_png_() is None
    assert Noisy(torch.zeros(1, 4, 8, 8), space="latent:sd")._repr_png_() is None
    assert Trajectory(WAY.steps, LINEAR, "latent:sd")._repr_png_() is None


def test_parts_are_the_fields_in_order():
    a, b, c = gaussian(1), gaussian(2), gaussian(3)
    assert CFGCombine(a, b, 2.0).parts() == (a, b)
    assert WeightedSum(a, (b, c), (1.0, 1.0)).parts() == (a, b, c)
    assert WeightedSum(None, (b, c), (0.5, 0.5)).parts() == (b, c)
    assert a.parts() == () and a.hooks() == ()


def test_a_denoiser_of_one_s_own_is_a_few_lines():
    @dataclasses.dataclass(frozen=True, eq=False)
    class Halved(Denoiser):
        inner: Denoiser

        @property
        def schedule(self):
            return self.inner.schedule

        def ask(self, p):
            found = yield from self.inner.ask(p)
            return found._replace(noise=found.noise / 2)

    x = noise(1)
    net = ToyNetwork()
    made = CFGCombine(Halved(leaf(3, net)), leaf(3, net), 2.0)
    once = leaf(3, ToyNetwork()).estimate(x, 500).noise
    torch.testing.assert_close(made.estimate(x, 500).noise, once + 2 * (once / 2 - once))
    assert net.calls == [1]  # the same question, though one of them halves the answer
    assert (made.shape, made.space) == (None, "pixels")


def test_fingerprints_tell_name_type_shape_and_content():
    base = {"a": torch.zeros(2, 3)}
    others = [{"b": torch.zeros(2, 3)}, {"a": torch.zeros(3, 2)}, {"a": torch.zeros(2, 3, dtype=torch.int32)}]
    others += [{"a": torch.ones(2, 3)}, {**base, "b": torch.zeros(0)}, {}]
    assert len({fingerprint(each) for each in [base, *others]}) == 7
    assert fingerprint(base) == fingerprint({"a": torch.zeros(3, 2).T})
    assert fingerprint({"a": torch.tensor(1.0, dtype=torch.bfloat16)}) != fingerprint(base)


def test_the_digest_of_a_model_is_that_of_configuration_and_weights():
    same = Model({"size": 28}, {"b": torch.zeros(3), "w": torch.ones(2, 3)})
    assert MODEL.digest == same.digest
    assert MODEL.digest != Model({"size": 32}, MODEL.weights).digest
    assert MODEL.digest != Model(MODEL.config, {**MODEL.weights, "b": torch.ones(3)}).digest
