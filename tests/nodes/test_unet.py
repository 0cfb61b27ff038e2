"""The U-Net: what its estimates may depend on, and its file."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from nodegraph_nodes.ops.unet import (
    ARCHITECTURE,
    UNet,
    UNetConfig,
    build_unet,
    load_unet,
    save_unet,
    sinusoids,
    unet_bytes,
)

SMALL = UNetConfig(widths=(8, 16, 24))


def lively(config: UNetConfig = SMALL) -> UNet:
    """A network without the zeros that a fresh one has, so that everything has an influence."""
    net = UNet(config)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return net.eval()


def questions(count: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn((count, 1, 28, 28), generator=generator)
    return x, torch.arange(count) * 150, torch.arange(count) % 11


def test_the_network_has_about_a_million_parameters():
    count = sum(parameter.numel() for parameter in UNet(UNetConfig()).parameters())
    assert 900_000 < count < 1_300_000


def test_nothing_is_normalised_over_the_batch():
    net = UNet(UNetConfig())
    assert any(isinstance(module, nn.GroupNorm) for module in net.modules())
    assert list(net.buffers()) == []

    net = lively()
    x, t, label = questions()
    assert torch.equal(net.train()(x, t, label), net.eval()(x, t, label))


def test_an_estimate_does_not_depend_on_its_batch():
    net = lively()
    x, t, label = questions()
    together = net(x, t, label)

    alone = torch.cat([net(x[i : i + 1], t[i : i + 1], label[i : i + 1]) for i in range(len(x))])
    order = torch.tensor([3, 0, 5, 1, 1, 4, 2])
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.allclose(together[order], net(x[order], t[order], label[order]), atol=1e-5)


def test_estimates_depend_on_picture_time_and_class():
    net = lively()
    x, t, label = questions(1)
    estimate = net(x, t + 500, label)

    assert not torch.allclose(estimate, net(-x, t + 500, label))
    assert not torch.allclose(estimate, net(x, t + 501, label), atol=1e-4)
    for other in range(1, 11):
        assert not torch.allclose(estimate, net(x, t + 500, label + other))


def test_one_timestep_serves_all_pictures():
    net = lively()
    x, _, label = questions()
    everywhere = net(x, torch.full((len(x),), 70), label)

    assert torch.equal(net(x, 70, label), everywhere)
    assert torch.equal(net(x, torch.tensor(70), label), everywhere)


def test_a_fresh_network_says_that_there_is_no_noise():
    assert UNet(SMALL)(*questions()).abs().max() == 0


def test_timesteps_are_told_apart_by_their_sinusoids():
    described = sinusoids(torch.arange(1000), 64)

    assert described.shape == (1000, 64)
    assert torch.allclose(described[0], torch.tensor([0.0] * 32 + [1.0] * 32))
    assert torch.allclose(described[:, 0], torch.arange(1000.0).sin(), atol=1e-4)
    assert torch.pdist(described).min() > 0.1


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"widths": (32, 60)}, r"widths are \[32, 60\], each must be a positive multiple of 8"),
        ({"widths": ()}, "widths"),
        ({"size": 30}, "size is 30, must be a multiple of 4 for 3 widths"),
        ({"channels": 0}, "channels are 0"),
    ],
)
def test_a_configuration_that_cannot_be_built_is_refused(fields, complaint):
    with pytest.raises(ValueError, match=complaint):
        UNetConfig(**fields)


def test_a_network_without_classes_and_of_another_size_works():
    net = UNet(UNetConfig(size=16, channels=3, widths=(8, 16), classes=0))
    x = torch.randn(2, 3, 16, 16)
    assert net(x, 5, torch.zeros(2, dtype=torch.long)).shape == x.shape


def test_a_file_gives_back_configuration_weights_and_metadata(tmp_path):
    net = lively()
    path = tmp_path / "new folder" / "net.safetensors"
    save_unet(path, net.state_dict(), SMALL, {"seed": "7"})
    config, weights, metadata = load_unet(path)

    assert config == SMALL
    assert metadata["seed"] == "7"
    assert torch.equal(build_unet(config, weights)(*questions()), net(*questions()))
    assert [file.name for file in path.parent.iterdir()] == ["net.safetensors"]


def test_float16_weights_are_computed_with_in_float32(tmp_path):
    net = lively()
    halves = {name: value.half() for name, value in net.state_dict().items()}
    save_unet(tmp_path / "net.safetensors", halves, SMALL)
    built = build_unet(*load_unet(tmp_path / "net.safetensors")[:2])

    estimate = built(*questions())
    assert estimate.dtype == torch.float32
    assert (estimate - net(*questions())).norm() < 0.01 * estimate.norm()
    assert not built.training
    assert not any(parameter.requires_grad for parameter in built.parameters())


def test_no_length_of_the_header_is_taken_for_a_pickle(tmp_path):
    path = tmp_path / "net.safetensors"
    for length in range(0, 256, 8):
        save_unet(path, {}, SMALL, {"note": "x" * length})
        assert load_unet(path)[0] == SMALL


def test_a_file_cut_short_anywhere_is_refused(tmp_path):
    content = unet_bytes(UNet(SMALL).state_dict(), SMALL)
    path = tmp_path / "net.safetensors"
    for length in [0, 1, 7, 8, 9, 500, len(content) // 2, len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="not a whole safetensors file") as caught:
            load_unet(path)
        assert str(path) in str(caught.value)


class Explosive:
    def __reduce__(self):
        return print, ("a pickle was opened",)


@pytest.mark.parametrize("way", ["pickle", "torch", "torch, old"])
def test_a_pickle_is_named_and_not_opened(tmp_path, capsys, way):
    path = tmp_path / "net.pt"
    if way == "pickle":
        path.write_bytes(pickle.dumps(Explosive()))
    else:
        torch.save({"net": Explosive()}, path, _use_new_zipfile_serialization=way == "torch")

    with pytest.raises(ValueError, match=r"is a pickle .* must be safetensors"):
        load_unet(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        ({}, "names no architecture in its metadata, must be nodegraph-unet-2"),
        ({"architecture": "other"}, "names other"),
        ({"architecture": ARCHITECTURE}, "the configuration is None, must be like"),
        ({"architecture": ARCHITECTURE, "config": "{"}, "net.safetensors"),
        ({"architecture": ARCHITECTURE, "config": '{"size": 28}'}, "must be like"),
        (
            {"architecture": ARCHITECTURE, "config": json.dumps({**SMALL.describe(), "widths": [8, "16"]})},
            "must be like",
        ),
        (
            {"architecture": ARCHITECTURE, "config": json.dumps({**SMALL.describe(), "size": 27})},
            "size is 27, must be a multiple of 4",
        ),
        ({"architecture": ARCHITECTURE, "config": json.dumps({**SMALL.describe(), "depth": 3})}, "must be like"),
    ],
)
def test_weights_of_something_else_are_refused(tmp_path, metadata, complaint):
    path = tmp_path / "net.safetensors"
    save_file({"weight": torch.zeros(1)}, path, metadata=metadata)

    with pytest.raises(ValueError, match=complaint):
        load_unet(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere\.safetensors cannot be read: No such file"):
        load_unet(tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda weights: weights.pop("enter.bias"), r"the weights lack enter\.bias"),
        (lambda weights: weights.update(extra=torch.zeros(1)), "the weights hold extra"),
        (lambda weights: weights.update({"enter.bias": torch.zeros(9)}), r"enter\.bias is \[9\], must be \[8\]"),
    ],
)
def test_weights_that_do_not_fit_the_configuration_are_named(change, complaint):
    weights = UNet(SMALL).state_dict()
    change(weights)

    with pytest.raises(ValueError, match=complaint):
        build_unet(SMALL, weights)


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.safetensors"
    save_unet(path, UNet(SMALL).state_dict(), SMALL, {"version": "old"})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ValueError, match=r"net\.safetensors cannot be written: No space left on device"):
        save_unet(path, UNet(SMALL).state_dict(), SMALL, {"version": "new"})
    assert load_unet(path)[2]["version"] == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_an_error_of_the_save(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ValueError, match="cannot be written"):
        save_unet(Path(tmp_path / "file" / "net.safetensors"), {}, SMALL)
