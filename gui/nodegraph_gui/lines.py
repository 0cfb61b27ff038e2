"""Lines out of a stream that arrives in pieces, however it was cut."""

__all__ = ["LineSplitter"]


class LineSplitter:
    """Gives whole lines, without their ends; a line longer than `most` bytes is dropped and counted.

    Attributes:
        rest: how many bytes wait for the end of their line.
        dropped: how many lines were too long.
    """

    def __init__(self, most: int = 2**28) -> None:
        self.rest = 0
        self.dropped = 0
        self._most = most
        self._parts: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that end in this piece."""
        lines = []
        *ends, rest = piece.split(b"\n")
        for end in ends:
            if self.rest + len(end) > self._most:
                self.dropped += 1
            else:
                lines.append(b"".join([*self._parts, end]))
            self._parts, self.rest = [], 0
        self.rest += len(rest)
        if self.rest > self._most:
            self._parts = []
        elif rest:
            self._parts.append(rest)
        return lines

    def end(self) -> bytes:
        """What waited for the end of its line, which does not come any more."""
        rest, self._parts, self.rest = b"".join(self._parts), [], 0
        return rest
