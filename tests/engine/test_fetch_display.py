"""How a download is shown, and what is said of checkpoints."""

import io

import pytest
from rich.console import Console

from nodegraph.checkpoints import CheckpointNeed, CheckpointState
from nodegraph.cli.checkpoints import here_text, missing_text, size_text
from nodegraph.cli.download_bar import DownloadBar
from nodegraph.cli.fetch import Downloads, choose_downloads, progress_text
from nodegraph.needs import NeededCheckpoint


@pytest.mark.parametrize(
    "number, text",
    [
        (0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (340_400, "340 kB"), (999_700, "1 MB"),
        (8_600_000_000, "8.6 GB"), (17_234_000_000, "17.2 GB"), (2e12, "2 TB"),
    ],
)  # fmt: skip
def test_sizes(number: int, text: str) -> None:
    assert size_text(int(number)) == text
    assert size_text(int(number), 1) == f"{text} in 1 file"


def test_how_far_it_is_and_how_long_it_will_take() -> None:
    assert progress_text(2_000_000_000, 8_000_000_000, 100.0) == "2 GB of 8 GB, 5 min 0 s left"
    assert progress_text(5_000_000_000, 8_000_000_000, 100.0, begun=4_000_000_000) == "5 GB of 8 GB, 5 min 0 s left"
    assert progress_text(10, 10, 1.0) == "10 bytes of 10 bytes"
    assert progress_text(0, 10, 0.0) == progress_text(0, 10, 5.0) == "0 bytes of 10 bytes"


def test_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    now = iter([0.0, 1.0, 2.0, 6.0, 7.0, 12.0])
    with Downloads("model", clock=lambda: next(now)) as show:
        for done in (100, 200, 600, 700, 1000):
            show(done, 1000, "unet/weights")
    assert capsys.readouterr().err.splitlines() == [
        "        600 bytes of 1 kB, 4.0 s left  unet/weights",
        "        1 kB of 1 kB  unet/weights",
    ]


def test_a_log_gets_lines() -> None:
    assert type(choose_downloads("model")) is Downloads


def test_bars_on_a_terminal() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with DownloadBar("model\x1b[2J", console) as show:
        show(500_000_000, 1_000_000_000, "unet/weights")
        show.bars.refresh()
    drawn = console.file.getvalue()  # type: ignore[attr-defined]
    assert "unet/weights" in drawn and "0.5/1.0 GB" in drawn and "\x1b[2J" not in drawn


def needed(state: CheckpointState, checkpoint: str = "a/b", variant: str = "fp16") -> NeededCheckpoint:
    return NeededCheckpoint(CheckpointNeed(checkpoint, ("unet", "vae", "watermarker?"), "v1", variant), ("n",), state)


def test_what_is_said_of_a_checkpoint() -> None:
    half = needed(CheckpointState("missing", "/cache/a", found=("unet",), missing=("vae",), message="..."))
    assert list(here_text(half)) == ["checkpoint a/b (revision v1, variant fp16): unet is here, in /cache/a"]
    assert list(missing_text(half)) == ["checkpoint a/b (revision v1, variant fp16): vae is missing"]
    folder = needed(CheckpointState("here", "/my/model", "one", ("unet", "vae")), "/my/model")
    assert list(here_text(folder)) == ["checkpoint /my/model: unet and vae are here"]
    assert list(missing_text(folder)) == []
    wrong = needed(CheckpointState("wrong", message="..."), variant="")
    assert list(here_text(wrong)) == list(missing_text(wrong)) == []
