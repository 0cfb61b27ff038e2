"""What every node type of the full registry keeps to."""

import json
import math
import string

import pytest

from nodegraph.node_types import InputSpec, NodeSpec, to_json
from nodegraph.plugins import load_plugins

REGISTRY = load_plugins(only=["nodegraph"])
SPECS = list(REGISTRY.node_types.values())
DATA = [(spec, port) for spec in SPECS for port in spec.inputs if port.is_data]

ECHOES = [spec for spec in SPECS if spec.echoes]

every_type = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
every_data_input = pytest.mark.parametrize(
    ("spec", "port"), DATA, ids=[f"{spec.id}.{port.name}" for spec, port in DATA]
)

# The names that saved files rely on: inputs and outputs may be added, never taken away.
PROMISED = {
    "LoadImage": ("path size color", "image"),
    "SaveImage": ("image name", "path"),
    "ShowImage": ("image", ""),
    "ImageGrid": ("images columns captions", "image"),
    "GaussianBlur": ("image sigma", "image"),
    "Resize": ("image", "image"),
    "Crop": ("image", "image"),
    "Pad": ("image", "image"),
    "Transform": ("", ""),
    "LoadMask": ("path", "mask"),
    "RectangleMask": ("", "mask"),
    "PureNoise": ("size channels batch seed width height", "noisy"),
    "AddNoise": ("image t seed schedule like", "noisy image"),
    "EncodePrompt": ("prompt checkpoint cleaning revision variant dtype", "conditioning"),
    "JoinConditioning": ("parts", "conditioning"),
    "LoadEmbedding": ("path", "conditioning"),
    "SaveEmbedding": ("conditioning name", "path"),
    "UNetMNIST": ("digit model", "denoiser"),
    "ExactGaussian": ("mean sigma", "denoiser"),
    "IFStage1": ("conditioning checkpoint revision variant dtype", "denoiser"),
    "IFStage2": (
        "conditioning image checkpoint noise_level size seed revision variant dtype",
        "denoiser",
    ),
    "CFGCombine": ("conditional unconditional scale", "denoiser"),
    "FlipAverage": ("upright flipped view", "denoiser"),
    "MultiView": ("parts views reduction", "denoiser"),
    "FrequencyMix": ("low high sigma", "denoiser"),
    "Factorize": ("parts by sigma kernel fine length base", "denoiser"),
    "HybridInverse": ("denoiser image by keep project seed sigma kernel fine length base", "denoiser"),
    "CFGRescale": ("guided conditional share", "denoiser"),
    "PerpNeg": ("positive unconditional negatives scale weights", "denoiser"),
    "When": ("inside outside first last", "denoiser"),
    "RegionBlend": ("inside outside mask", "denoiser"),
    "Regions": ("parts masks", "denoiser"),
    "Tile": ("denoiser size stride weighting", "denoiser"),
    "WeightedSum": ("base parts weights", "denoiser"),
    "Formula": ("formula a b c d e f g h s mask any_sum", "denoiser"),
    "IFSafetyChecker": ("image checkpoint watermark revision variant", "image flagged told"),
    "MaskBlend": ("denoiser image mask mode restore seed preset", "denoiser"),
    "ILVR": ("denoiser image factor until level seed", "denoiser"),
    "IterativeSampler": (
        "denoiser start steps method timesteps seed repeats jump spacing clip variance eta end preset",
        "image trajectory",
    ),
    "DDIMInversion": ("denoiser image steps t spacing", "noisy trajectory"),
    "OneStepDenoise": ("denoiser noisy", "image"),
    "Filmstrip": ("trajectory frames shown branch", "image"),
    "SaveAnimation": ("trajectory name shown branch", "path"),
    "Inspect": ("trajectory step what branch", "image"),
    "StartFrom": ("trajectory step", "noisy"),
    "SaveTrajectory": ("trajectory name", "path"),
    "LoadTrajectory": ("path", "trajectory"),
    "LoadMNIST": ("folder split", "dataset"),
    "TrainUNet": ("dataset epochs class_conditional", "model losses"),
    "LoadModel": ("path", "model"),
    "SaveModel": ("model name", "path"),
    "PlotLosses": ("losses", "image"),
    "Text": ("", ""),
    "Integer": ("", ""),
    "Float": ("", ""),
    "Seed": ("", ""),
}


def test_nothing_is_wrong_with_the_built_in_nodes() -> None:
    assert REGISTRY.problems == ()
    assert {spec.plugin for spec in SPECS} == {"nodegraph"}


@pytest.mark.parametrize("type_id", PROMISED)
def test_the_names_that_saved_files_rely_on(type_id: str) -> None:
    inputs, outputs = (names.split() for names in PROMISED[type_id])
    spec = REGISTRY.get(type_id)
    assert spec is not None, REGISTRY.why_missing(type_id)
    assert [name for name in inputs if spec.input(name) is None] == []
    assert [name for name in outputs if spec.output(name) is None] == []


def test_more_inputs_than_promised_have_a_default() -> None:
    more = [
        f"{spec.id}.{port.name}"
        for spec in SPECS
        for port in spec.inputs
        if spec.id in PROMISED and PROMISED[spec.id][0] and port.name not in PROMISED[spec.id][0].split()
        if port.required
    ]
    assert more == []


@every_type
def test_it_has_help_and_a_place_in_the_palette(spec: NodeSpec) -> None:
    assert spec.summary.endswith("."), "the tooltip is a sentence"
    assert 10 <= len(spec.summary) <= 120
    assert spec.category[0].isupper()
    assert spec.id[0] in string.ascii_uppercase, "ids are in CamelCase"


@every_type
def test_it_does_something(spec: NodeSpec) -> None:
    assert spec.inputs or spec.outputs
    assert len(spec.inputs_by_name) == len(spec.inputs) and len(spec.outputs_by_name) == len(spec.outputs)


@every_type
def test_its_description_is_json(spec: NodeSpec) -> None:
    described = spec.describe()
    assert json.loads(json.dumps(described, allow_nan=False)) == described


@every_type
def test_wire_types_are_declared(spec: NodeSpec) -> None:
    for port in (*spec.inputs, *spec.outputs):
        assert port.is_data or port.type in REGISTRY.value_types, f"{port.name} is of an opaque type"


def test_value_nodes_are_echoes() -> None:
    assert {"Text", "Integer", "Float", "Seed"} <= {spec.id for spec in ECHOES}


@pytest.mark.parametrize("spec", ECHOES, ids=lambda spec: spec.id)
@pytest.mark.parametrize("turn", range(3))
def test_an_echo_hands_on_what_it_is_told(spec: NodeSpec, turn: int) -> None:
    inputs = {port.name: sample(port, turn) for port in spec.inputs}
    outputs = spec.call(dict(inputs))
    assert {name: (type(value), value) for name, value in outputs.items()} == {
        name: (type(inputs[name]), inputs[name]) for name in outputs
    }


def sample(port: InputSpec, turn: int) -> object:
    """A value that the input takes; another one each turn."""
    assert port.is_data, "an echo of wires has no test yet"
    texts = port.choices or ("", "a pencil\n  on a table ", "DeepFloyd/IF-I-XL-v1.0")
    low = 0 if port.minimum is None else port.minimum
    high = 12345 if port.maximum is None else port.maximum
    values = {bool: (True, False, True), int: (low, high, low + 1), float: (low, high, low + 0.1)}.get(port.type, texts)
    value = port.validate([values[turn]] if port.indexed else values[turn])
    assert value is not None
    return value


@every_data_input
def test_a_data_input_is_described(spec: NodeSpec, port: InputSpec) -> None:
    assert port.help, "Field(description=...) is missing"
    assert len(port.help) <= 300, "long help belongs into the docstring"


@every_data_input
def test_a_default_is_a_value_of_its_input(spec: NodeSpec, port: InputSpec) -> None:
    if not port.required:
        assert port.validate(to_json(port.default)) == port.default


@every_data_input
def test_a_range_is_one(spec: NodeSpec, port: InputSpec) -> None:
    ends = [end for end in port.range if end is not None]
    assert all(math.isfinite(end) for end in ends)
    if port.type is int and not port.indexed and spec.id != "Integer":
        assert ends, "a whole number has a range: sizes, counts and seeds all end somewhere"
    for end in (port.minimum, port.maximum):
        if end is not None:
            value = port.type(end)
            port.validate([value] * 3 if port.indexed else value)
