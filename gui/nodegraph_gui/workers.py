"""The worker process as the editor talks to it: requests with callbacks, events as signals.

The protocol is told in `nodegraph.worker`. This side refuses to trust the stream: it may come in any pieces, with the
banner of a shell before the greeting, and end anywhere.
"""

import json
import os
import shlex
import shutil
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from nodegraph.events import from_json
from nodegraph.worker import PROTOCOL

from .lines import LineSplitter

__all__ = ["LOCAL", "Worker", "split_command"]

LOCAL = (sys.executable, "-m", "nodegraph", "worker")
GREETING = b'{"worker":"nodegraph"'
SECONDS_TO_GREET = 30.0
SECONDS_TO_END = 3.0
MOST_SAID = 200

Then = Callable[[dict[str, Any]], Any]
Failed = Callable[[str], Any]


class Asked(NamedTuple):
    """A request that waits for its answer."""

    then: Then | None
    failed: Failed | None


def split_command(text: str) -> tuple[str, ...]:
    """A command as it is typed in the preferences, in its parts; ValueError when it is none."""
    try:
        parts = tuple(shlex.split(text, posix=os.name != "nt"))
    except ValueError as error:
        raise ValueError(f"the command {text!r} cannot be read: {error}") from None
    if not parts:
        raise ValueError("the command of the worker is empty, must be like: ssh gpu-box nodegraph worker")
    return tuple(part.strip('"') for part in parts) if os.name == "nt" else parts


class Worker(QObject):
    """A worker process; it can be started again when it has died.

    Signals:
        ready: it has greeted and told its catalogue, as JSON.
        event_came: an event of a run, as in `nodegraph.events`.
        died: it is gone though nobody stopped it, or never came; why.
        stopped: it is gone since it was stopped.
        said: a line on its standard error, or one on its standard output that is none of the protocol.

    Args:
        command: what starts it, such as `LOCAL` or ("ssh", "gpu-box", "nodegraph", "worker").
        shares_files: whether it sees the files of this machine under their paths.
        environment: of the process; that of this one when None.
        seconds_to_greet: how long it may take to greet.
    """

    ready = Signal(dict)
    event_came = Signal(object)
    died = Signal(str)
    stopped = Signal()
    said = Signal(str)

    def __init__(
        self,
        command: Sequence[str] = LOCAL,
        *,
        shares_files: bool = True,
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
        seconds_to_greet: float = SECONDS_TO_GREET,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.command = tuple(command)
        self.shares_files = shares_files
        self.greeting: dict[str, Any] | None = None
        self.last_said: deque[str] = deque(maxlen=MOST_SAID)
        self._environment = environment
        self._folder = folder
        self._seconds_to_greet = seconds_to_greet
        self._process: QProcess | None = None
        self._lines = LineSplitter()
        self._errors = LineSplitter(2**20)
        self._number = 0
        self._asked: dict[int, Asked] = {}
        self._unsent: list[bytes] = []
        self._stopping = False
        self._why = ""  # it is going to die, and why
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._lose_patience)

    @property
    def alive(self) -> bool:
        """Whether there is a process that has greeted, or still may."""
        return self._process is not None and not self._stopping and not self._why

    # Starting and stopping

    def start(self) -> None:
        """Start the process, unless it is there; `ready` or `died` tells what comes of it."""
        if self._process is not None:
            if self.alive:
                return
            self.close()
        self.greeting, self._stopping, self._why = None, False, ""
        self._lines, self._errors = LineSplitter(), LineSplitter(2**20)
        process = self._process = QProcess(self)
        if self._environment is not None:
            variables = QProcessEnvironment()
            for name, value in self._environment.items():
                variables.insert(name, value)
            process.setProcessEnvironment(variables)
        if self._folder is not None:
            process.setWorkingDirectory(self._folder)
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._read_errors)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._failed)
        self._patience.start(int(self._seconds_to_greet * 1000))
        self.ask("describe", then=self.ready.emit, failed=self._no_catalogue)
        process.start(self.command[0], list(self.command[1:]))

    def stop(self) -> None:
        """Let it end: its input ends, then it is asked, then it is killed. `stopped` comes when it is gone."""
        process = self._process
        if process is None or self._stopping:
            return
        self._stopping = True
        self._patience.stop()
        process.closeWriteChannel()
        QTimer.singleShot(int(SECONDS_TO_END * 1000), process, process.terminate)
        QTimer.singleShot(int(SECONDS_TO_END * 2000), process, process.kill)

    def close(self) -> None:
        """End it and wait for that, some seconds at most: for the end of the program."""
        process = self._process
        if process is None:
            return
        self._stopping = True
        process.closeWriteChannel()
        if not process.waitForFinished(int(SECONDS_TO_END * 1000)):
            process.kill()
            process.waitForFinished(1000)
        if self._process is not None:
            self._gone()

    # Asking

    def ask(self, do: str, *, then: Then | None = None, failed: Failed | None = None, **fields: Any) -> int:
        """Send a request; one of the callbacks is called when it is answered, or when the worker is gone.

        What is asked before the greeting is sent after it. The number of the request is returned.
        """
        self._number += 1
        self._asked[self._number] = Asked(then, failed)
        if self._process is None:
            number = self._number
            QTimer.singleShot(0, self, lambda: self._fail(number, "the worker is not running"))
            return number
        line = json.dumps({"id": self._number, "do": do, **fields}, separators=(",", ":")).encode("ascii") + b"\n"
        if self.greeting is None:
            self._unsent.append(line)
        else:
            self._process.write(line)
        return self._number

    def _fail(self, number: int, why: str) -> None:
        asked = self._asked.pop(number, None)
        if asked is not None and asked.failed is not None:
            asked.failed(why)

    def _no_catalogue(self, why: str) -> None:
        if self.alive:
            self._give_up(f"the worker does not tell its node types: {why}")

    # What it says

    def _read(self) -> None:
        process = self._process
        if process is None:
            return
        for line in self._lines.feed(bytes(process.readAllStandardOutput().data())):
            try:
                self._take(line)
            except Exception:  # of a callback; the lines after it are for others
                sys.excepthook(*sys.exc_info())

    def _take(self, line: bytes) -> None:
        if self._why:
            return
        if self.greeting is None:
            at = line.find(GREETING)  # a shell may have printed something without a line end before it
            if at > 0:
                self._say(line[:at])
            if at < 0 or not self._greeted(line[at:]):
                self._say(line)
            return
        document = parsed(line)
        if document is not None and "event" in document:
            try:
                event = from_json(document)
            except ValueError as error:
                self._say(f"an event that is not understood: {error}".encode())
                return
            self.event_came.emit(event)
        elif document is not None and "answer" in document:
            self._answered(document)
        else:
            self._say(line)

    def _greeted(self, line: bytes) -> bool:
        greeting = parsed(line)
        if greeting is None or greeting.get("worker") != "nodegraph":
            return False
        self._patience.stop()
        protocol = greeting.get("protocol")
        if protocol != PROTOCOL:
            self._give_up(
                f"the worker speaks protocol {protocol!r} (Nodegraph {greeting.get('version', '?')}), "
                f"this editor speaks {PROTOCOL}; update the older of the two"
            )
            return True
        self.greeting = greeting
        assert self._process is not None
        for waiting in self._unsent:
            self._process.write(waiting)
        self._unsent = []
        return True

    def _answered(self, answer: dict[str, Any]) -> None:
        number = answer.pop("answer")
        asked = self._asked.pop(number, None) if isinstance(number, int) else None
        if asked is None:
            self._say(f"an answer that nobody waits for: {answer.get('error', number)}".encode())
        elif "error" in answer:
            if asked.failed is not None:
                asked.failed(str(answer["error"]))
        elif asked.then is not None:
            asked.then(answer)

    def _read_errors(self) -> None:
        process = self._process
        if process is not None:
            for line in self._errors.feed(bytes(process.readAllStandardError().data())):
                self._say(line)

    def _say(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        if text:
            text = text if len(text) <= 2000 else text[:2000] + "…"
            self.last_said.append(text)
            self.said.emit(text)

    # How it ends

    def _lose_patience(self) -> None:
        self._give_up(f"the worker did not greet within {self._seconds_to_greet:g} s; its command is {self._shown()}")

    def _give_up(self, why: str) -> None:
        """End a process that is of no use; `died` is told when it is gone."""
        self._why = why
        if self._process is not None:
            self._process.kill()

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            there = shutil.which(self.command[0])
            reason = "it may not be run" if there else f"there is no command {self.command[0]!r}"
            self._die(f"the worker cannot be started: {reason}")

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        self._read_errors()
        for rest in (self._lines.end(), self._errors.end()):
            self._say(rest)
        if self._stopping:
            self._gone()
        else:
            self._die(self._why or self._ended(code, status))

    def _ended(self, code: int, status: QProcess.ExitStatus) -> str:
        if status == QProcess.ExitStatus.CrashExit:
            how = f"the system ended it, {signal_name(code)}"
        else:
            how = f"exit status {code}"
        when = "before it greeted " if self.greeting is None else ""
        last = self.last_said[-1] if self.last_said else ""
        command = f"; its command is {self._shown()}" if self.greeting is None and not last else ""
        return f"the worker ended {when}({how}){f': {last}' if last else command}"

    def _die(self, why: str) -> None:
        self._gone(why)
        self.died.emit(why)

    def _gone(self, why: str = "") -> None:
        process, self._process = self._process, None
        self._patience.stop()
        self._unsent = []
        self.greeting = None
        if process is not None:
            process.blockSignals(True)
            process.deleteLater()
        for number in list(self._asked):
            self._fail(number, why or "the worker was stopped")
        if not why:
            self.stopped.emit()

    def _shown(self) -> str:
        return shlex.join(self.command)


def parsed(line: bytes) -> dict[str, Any] | None:
    """The JSON object on a line, or None."""
    with suppress(ValueError, RecursionError):
        document = json.loads(line)
        if isinstance(document, dict):
            return document
    return None


def signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"code {number}"
