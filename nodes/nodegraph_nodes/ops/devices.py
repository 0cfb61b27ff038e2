"""Devices: what there is on this machine to compute on, and what memory they have."""

import gc

import torch


def find_device(name: str) -> str:
    """The device that a name means here: "cpu", "cuda:0", "mps".

    Args:
        name: "auto" for the fastest there is, "cuda" for the first GPU, or a device by its name.

    Raises:
        ValueError: there is no such device, or it is not on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return "cuda:0"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind == "cpu" and not number:
        return "cpu"
    if kind == "mps" and not number:
        if not torch.backends.mps.is_available():
            raise ValueError("the device is mps, but this machine has none; use auto or cpu")
        return "mps"
    if kind == "cuda" and (not number or (number.isascii() and number.isdigit())):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(number or 0) >= count:
            there = f"only {count} GPU{'' if count == 1 else 's'}" if count else "no GPU that torch can use"
            raise ValueError(f"the device is {name}, but this machine has {there}; use auto or cpu")
        return f"cuda:{int(number or 0)}"
    raise ValueError(f"the device is {name!r}, must be auto, cpu, cuda, cuda:0, cuda:1, ..., or mps")


def device_memory(device: str, tidy: bool = False) -> tuple[int, int] | None:
    """The bytes of a GPU that can be taken now, and all that it has; None of the processor.

    Args:
        tidy: give back first what torch keeps there for later, and what circles of references still hold.
    """
    kind, _, number = device.partition(":")
    if tidy:
        gc.collect()
    if kind == "cuda" and torch.cuda.is_available():
        index = int(number or 0)
        if tidy:
            with torch.cuda.device(index):
                torch.cuda.empty_cache()
        free, total = torch.cuda.mem_get_info(index)
        unused = torch.cuda.memory_reserved(index) - torch.cuda.memory_allocated(index)  # torch's own, nothing in it
        return free + unused, total
    if kind == "mps" and torch.backends.mps.is_available():
        if tidy:
            torch.mps.empty_cache()
        total = torch.mps.recommended_max_memory()
        return max(0, total - torch.mps.current_allocated_memory()), total
    return None


def find_dtype(name: str, device: str) -> torch.dtype:
    """The type that a network computes in on a device.

    Args:
        name: "float32", "float16", "bfloat16"; "auto" for float32 on the processor, and half of that on a GPU.
    """
    if name != "auto":
        found: torch.dtype = getattr(torch, name)
        return found
    kind = torch.device(device).type
    if kind == "cpu":
        return torch.float32
    native = kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float16


def find_format(device: str, dtype: torch.dtype) -> torch.memory_format:
    """In which order the weights of convolutions lie best on a device.

    Channels last is what convolutions of the processor are quickest with (networks of this project and of DeepFloyd IF
    take 3 to 20 % less time) and what a GPU computes half precision in; otherwise they stay as torch makes them.
    """
    kind = torch.device(device).type
    last = kind == "cpu" or (kind == "cuda" and dtype in (torch.float16, torch.bfloat16))
    return torch.channels_last if last else torch.contiguous_format
