"""What can be looked at inside the steps of a sampler, and what is said where there is nothing: no tensor, no torch."""

from collections.abc import Collection, Sequence

from nodegraph_nodes.ops.words import listed


def check_shown_space(space: str) -> None:
    """ValueError when a trajectory cannot be shown as pictures."""
    if space != "pixels":
        raise ValueError(f"the trajectory is in the space {space}, must be pixels to be shown")


def check_inspected(what: str, space: str) -> None:
    """ValueError when what is inspected in a space would be no picture of it."""
    if what == "noise" and space != "pixels":
        raise ValueError(f"what is noise, must be noisy or clean in the space {space}, where noise is no picture")


def check_branch(what: str, branch: str) -> None:
    """ValueError when a branch is named for what is no estimate."""
    if branch and what == "noisy":
        raise ValueError(f"branch is {branch!r}, must be empty for noisy, which all of them see; choose clean or noise")


def check_named_branch(branch: str, known: Collection[str]) -> None:
    """ValueError when no step tells of a branch."""
    if branch not in known:
        must = f"must be one of {listed(known)}, or empty" if known else "must be empty: the denoiser has no branches"
        raise ValueError(f"branch is {branch!r}, {must}")


def nothing_there(where: str, branch: str, others: Sequence[int]) -> ValueError:
    """What is said where nothing was estimated, or nothing by a branch; `others` are the steps at which it was."""
    if not branch:
        return ValueError(f"{where} has no estimate of the noise, since no network was asked; choose an earlier step")
    shown = ", ".join(map(str, others[:4])) + (", ..." if len(others) > 4 else "")
    return ValueError(f"{where} has no estimate of {branch}, which was not asked there; it was at step {shown}")


def check_step(step: int, first: int, last: int) -> None:
    """ValueError when a trajectory from step `first` to the result, step `last`, has no such step."""
    if step != -1 and not first <= step <= last:
        raise ValueError(f"step is {step}, must be from {first} to {last}, or -1 for the result")


def check_start_step(step: int, result: int) -> None:
    """ValueError when a step is the result, from which nothing can go on."""
    if step in (-1, result):
        raise ValueError(f"step is {step}, must be below {result}: that is the result, with no noise in it")


def missing_step(step: int, kept: Sequence[int], to_start: bool = False) -> ValueError:
    """What is said of a step that is not in a trajectory; `kept` are the numbers of those that are.

    Args:
        to_start: a step was meant to go on from, which the result is not.
    """
    if to_start and not kept[0] <= step <= kept[-1]:
        last = kept[-2] if len(kept) > 1 else kept[0]
        return ValueError(f"step is {step}, must be from {kept[0]} to {last}; {kept[-1]} is the result")
    try:
        check_step(step, kept[0], kept[-1])
    except ValueError as error:
        return error
    below = max(number for number in kept if number < step)
    above = min(number for number in kept if number > step)
    return ValueError(f"step is {step}, which was left out to save memory; the nearest that are kept: {below}, {above}")
