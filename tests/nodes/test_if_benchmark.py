"""What the benchmark of DeepFloyd IF compares is what it says: the network's size, and the same picture drawn twice."""

import importlib.util
from pathlib import Path

import pytest
import torch

BENCHMARK = Path(__file__).parent.parent.parent / "benchmarks" / "if_sampling.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("if_sampling_benchmark", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_full_network_is_that_of_the_published_size(benchmark):
    """Built without any weight: 4.3 billion parameters, as DeepFloyd says of IF-I-XL."""
    unet = benchmark.untrained(benchmark.IF_I_XL, "meta", torch.bfloat16)
    assert round(benchmark.parameters(unet) / 1e9, 1) == 4.3
    assert {(value.dtype, value.device.type) for value in unet.parameters()} == {(torch.bfloat16, "meta")}
    assert torch.get_default_dtype() == torch.float32


def test_the_middle_network_has_about_50_million_parameters(benchmark):
    assert 45e6 < benchmark.parameters(benchmark.untrained(benchmark.MIDDLE, "meta")) < 55e6


def test_it_compares_the_same_pictures(benchmark, capsys):
    bench = benchmark.Bench(benchmark.tiny_unet(), side=16, steps=3)
    benchmark.against_the_pipeline("tiny", bench, runs=1)
    benchmark.against_single_calls("tiny", bench, runs=1)
    said = capsys.readouterr().out
    assert "goal: at most 1.03" in said and ("reached" in said) != ("MISSED" in said)
    for kind, rows in (("anagram", 4), ("hybrid", 3), ("region", 3), ("three regions", 4)):
        assert f"guided {kind}: 1 forward pass of {rows} rows a step" in said


def test_it_refuses_to_compare_different_pictures(benchmark):
    a = torch.zeros(1, 3, 4, 4)
    with pytest.raises(AssertionError, match=r"they draw different pictures: 0\.1"):
        benchmark.check_equal([a, a, a + 0.1])
    assert benchmark.check_equal([a, a + 1e-4]) == pytest.approx(1e-4)


def test_an_estimate_is_the_pipelines_own(benchmark):
    """Also in half precision, which the benchmark checks before it times a GPU."""
    bench = benchmark.Bench(benchmark.tiny_unet().to(torch.bfloat16), side=16, steps=3)
    assert benchmark.estimates_apart(bench, bench.guided(1)) < 0.02
    with pytest.raises(AssertionError, match="the estimates differ by"):
        benchmark.estimates_apart(bench, bench.guided(2))


def test_the_networks_share_of_the_time_is_a_share(benchmark):
    bench = benchmark.Bench(benchmark.tiny_unet(), side=16, steps=3)
    denoiser = bench.guided(1)
    assert 0.5 < benchmark.network_share(bench, lambda: bench.ours(denoiser)) < 1
    assert not bench.unet._forward_hooks and not bench.unet._forward_pre_hooks


def test_the_comparison_on_a_gpu_runs_through(benchmark, capsys, monkeypatch):
    """On the processor, with the tiny network: all but what only a GPU has."""
    monkeypatch.setattr(benchmark, "untrained", lambda config, device, dtype: benchmark.tiny_unet().to(dtype))
    for name in ("reset_peak_memory_stats", "max_memory_allocated", "memory_allocated"):
        monkeypatch.setattr(torch.cuda, name, lambda: 2**30)
    benchmark.on_a_gpu("cpu", runs=1, steps=2)
    said = capsys.readouterr().out
    for what in ("guidance: IterativeSampler", "IFPipeline", "two passes a step", "guided anagram: four passes a step"):
        assert what in said
    assert said.count("ms a step, peak 1.00 GiB") == 5 and "goal: at most 1.03" in said


def test_a_gpu_that_is_not_there_is_refused(benchmark, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["if_sampling.py", "--device", "cuda"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        benchmark.main()
    assert "the device is cuda, must be cpu, or cuda where torch can use a GPU" in capsys.readouterr().err
