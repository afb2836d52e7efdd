"""Frames on a socket: u32 header length, u32 body length (little-endian), the header as JSON, the body as it is."""

from __future__ import annotations

import json
import socket
import struct

HEADER_LIMIT = 64 << 20
BODY_LIMIT = 512 << 20
_PREFIX = struct.Struct("<II")
_HELD = 1 << 16
_JOINED = 1 << 18


class ProtocolError(Exception):
    """What came, or was to be sent, is no frame."""


class Frames:
    """Reads and writes whole frames; blocking, for one thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._held = bytearray(_HELD)
        self._view = memoryview(self._held)
        self._start = 0
        self._end = 0

    def read(self) -> tuple[dict, bytearray] | None:
        """The next frame, its body in memory of its own; None when the other side has closed between frames."""
        if self._start == self._end and not self._fill():
            return None
        header_length, body_length = _PREFIX.unpack(self._take(_PREFIX.size))
        if header_length > HEADER_LIMIT or body_length > BODY_LIMIT:
            raise ProtocolError(f"a frame of {header_length} + {body_length} bytes is too large")
        try:
            header = json.loads(self._take(header_length).decode())
        except ValueError as error:
            raise ProtocolError(f"a header is not JSON: {error}") from error
        if not isinstance(header, dict):
            raise ProtocolError("a header is not an object")
        return header, self._take(body_length)

    def write(self, header: dict, body: bytes | bytearray | memoryview = b"") -> None:
        """Sends a frame. ValueError when the header has a number that JSON does not have."""
        text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
        if len(text) > HEADER_LIMIT or len(body) > BODY_LIMIT:
            raise ProtocolError(f"a frame of {len(text)} + {len(body)} bytes is too large")
        prefix = _PREFIX.pack(len(text), len(body))
        if len(body) <= _JOINED:
            self._connection.sendall(b"".join((prefix, text, body)))
            return
        self._connection.sendall(prefix + text)
        self._connection.sendall(body)

    def _take(self, size: int) -> bytearray:
        taken = bytearray(size)
        have = 0
        while have < size:
            if self._start == self._end:
                if size - have >= _HELD:
                    have += self._receive(memoryview(taken)[have:])
                    continue
                if not self._fill():
                    raise ProtocolError("the connection ended inside a frame")
            step = min(size - have, self._end - self._start)
            taken[have : have + step] = self._view[self._start : self._start + step]
            self._start += step
            have += step
        return taken

    def _receive(self, target: memoryview) -> int:
        count = self._connection.recv_into(target)
        if count == 0:
            raise ProtocolError("the connection ended inside a frame")
        return count

    def _fill(self) -> bool:
        self._start = 0
        self._end = self._connection.recv_into(self._view)
        return self._end > 0
