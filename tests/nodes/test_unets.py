"""How the networks of DeepFloyd IF compute: fused attention, and weights in the order that suits the device."""

import pytest
import torch
from diffusers.models import attention_processor
from if_pipelines import random
from tiny_if import tiny_unet, write_if_checkpoint
from torch import nn

from nodegraph import Resources
from nodegraph_nodes.ops import traits
from nodegraph_nodes.ops.checkpoints import locate
from nodegraph_nodes.ops.deepfloyd import first_stage
from nodegraph_nodes.ops.devices import find_format
from nodegraph_nodes.ops.networks import moved
from nodegraph_nodes.ops.unets import attend_at_once, load_unet
from nodegraph_nodes.types import Conditioning

LAST = torch.channels_last


@pytest.fixture(scope="module", params=[1, 2])
def checkpoint(request, tmp_path_factory):
    folder = write_if_checkpoint(tmp_path_factory.mktemp("if"), request.param)
    return locate(str(folder), traits.FIRST if request.param == 1 else traits.SECOND)


def attentions(module):
    return [each for each in module.modules() if isinstance(each, attention_processor.Attention)]


def test_all_attention_is_computed_at_once(checkpoint, monkeypatch):
    """A loaded network asks torch's kernel, once for each of its attentions."""
    net, calls = load_unet(checkpoint, torch.float32), []
    told = {"prompts": random((1, 77, 32), 1)}
    if net.unet.config.class_embed_type == "timestep":
        told |= {"picture": random((1, 3, 16, 16), 2), "level": torch.tensor([250])}
    at_once = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(
        attention_processor.F,
        "scaled_dot_product_attention",
        lambda *given, **named: calls.append(given) or at_once(*given, **named),
    )
    net(random((1, 3, 16, 16), 3), 500, **told)
    assert len(calls) == len(attentions(net)) == (10 if len(told) == 1 else 12)
    for each in attentions(net):
        assert type(each.processor) is attention_processor.AttnAddedKVProcessor2_0


def test_attention_is_fused_whatever_the_network_came_with():
    """The slow kernels that diffusers itself would choose say the same."""
    unet, told = tiny_unet(), {"encoder_hidden_states": random((1, 77, 32), 1), "return_dict": False}
    unet.set_default_attn_processor()
    assert {type(each.processor) for each in attentions(unet)} == {attention_processor.AttnAddedKVProcessor}
    x = random((1, 3, 16, 16), 3)
    slow = unet(x, 500, **told)[0]
    attend_at_once(unet)
    assert {type(each.processor) for each in attentions(unet)} == {attention_processor.AttnAddedKVProcessor2_0}
    torch.testing.assert_close(unet(x, 500, **told)[0], slow, rtol=0, atol=1e-5)


def test_attention_without_added_keys_is_fused_too():
    plain = nn.Sequential(attention_processor.Attention(8, heads=2, processor=attention_processor.AttnProcessor()))
    attend_at_once(plain)
    assert type(plain[0].processor) is attention_processor.AttnProcessor2_0


def test_the_order_of_weights_on_each_device():
    half, whole = (torch.float16, torch.bfloat16), torch.float32
    assert find_format("cpu", whole) is find_format("cpu", half[0]) is LAST
    assert find_format("cuda:0", half[0]) is find_format("cuda:0", half[1]) is LAST
    assert find_format("cuda:0", whole) is find_format("mps", half[0]) is torch.contiguous_format


def test_a_network_is_moved_in_the_order_of_its_device():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    assert moved(net, "cpu")[0].weight.is_contiguous(memory_format=LAST) and net[2].weight.is_contiguous()
    away = moved(net.half(), "meta")
    assert away[0].weight.is_contiguous() and away[0].weight.device.type == "meta"


def test_answers_lie_as_the_pictures_do_and_say_the_same(tmp_path):
    """Whatever the weights do, what is sampled is not stored in their order."""
    write_if_checkpoint(tmp_path)
    found, x, store = locate(str(tmp_path), traits.FIRST), random((2, 3, 16, 16), 3), Resources()
    denoiser = first_stage(Conditioning(random((1, 77, 32), 1)), found, store)
    estimate = denoiser.estimate(x, 500)
    assert store.get(denoiser.network.key, pytest.fail).unet.conv_in.weight.is_contiguous(memory_format=LAST)
    expected = load_unet(found, torch.float32)(x, 500, prompts=random((1, 77, 32), 1).repeat(2, 1, 1))
    assert expected.is_contiguous()
    torch.testing.assert_close(torch.cat(estimate, 1), expected, rtol=0, atol=1e-5)
