"""What is bound to a denoiser is copied once to where pictures are computed; noise is the same wherever it is sent."""

from types import SimpleNamespace

import torch

from nodegraph_nodes.ops.copies import pins, placed
from nodegraph_nodes.ops.draws import drawing


class Owner:
    """Has something bound to it, as denoisers have masks."""

    def __init__(self):
        self.mask = torch.arange(4.0)


def test_what_lies_there_already_is_not_copied():
    owner = Owner()
    assert placed(owner, owner.mask, torch.zeros(1)) is owner.mask and vars(owner).keys() == {"mask"}


def test_a_copy_is_made_once_for_each_place():
    owner, double, single = Owner(), torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float16)
    copy = placed(owner, owner.mask, double)
    assert copy.dtype == torch.float64 and copy.tolist() == [0, 1, 2, 3]
    assert placed(owner, owner.mask, double) is copy
    assert placed(owner, owner.mask, single).dtype == torch.float16
    assert placed(owner, owner.mask, double) is not copy, "only the last copy is kept"


def test_copies_of_several_tensors_are_not_mixed_up():
    owner, x = Owner(), torch.zeros(1, dtype=torch.float64)
    other = owner.mask + 1
    assert [placed(owner, each, x)[0].item() for each in (owner.mask, other, owner.mask)] == [0, 1, 0]
    vars(owner)["_copies"] = {id(other): vars(owner)["_copies"][id(owner.mask)]}  # as if an id came again
    assert placed(owner, other, x)[0].item() == 1


def test_only_memory_for_a_gpu_of_nvidia_s_kind_is_pinned():
    pinned = [name for name in ("cuda:0", "mps", "cpu") if pins(SimpleNamespace(device=torch.device(name)))]
    assert pinned == ["cuda:0"]


def test_noise_is_pinned_for_a_gpu_and_no_other(monkeypatch):
    """Which noise it is does not depend on where it goes."""
    asked, real = [], torch.randn

    def randn(shape, generator, pin_memory):
        asked.append(pin_memory)
        return real(shape, generator=generator)

    monkeypatch.setattr(torch, "randn", randn)
    sent = {}

    class Gpu(SimpleNamespace):
        shape = (2, 3)
        device = torch.device("cuda:0")

    monkeypatch.setattr("nodegraph_nodes.ops.draws.sent", lambda values, x: sent.setdefault(x.device.type, values))
    drawing(7)(Gpu())
    drawing(7)(torch.zeros(2, 3))
    assert asked == [True, False]
    assert torch.equal(sent["cuda"], sent["cpu"])
