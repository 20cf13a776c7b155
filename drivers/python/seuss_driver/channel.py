"""The driver's end of /dev/seuss: JSON texts, one per line. docs/driver-protocol.md"""

import json
import os

_BUFFER_BYTES = 64 * 1024

# User code may replace any of these later.
_readv = os.readv
_write = os.write

# What json.loads and json.dumps end up with: the way there counts references on pages that a clone then has to copy.
_scan = json.JSONDecoder().scan_once
_containers = {}
# ASCII only, so that any string is valid on the wire; NaN is no JSON.
_pieces = json.encoder.c_make_encoder(
    _containers, json.JSONEncoder().default, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False
)


def encode(value):
    """Its JSON. Raises as json.dumps does: TypeError, ValueError, RecursionError."""
    try:
        return "".join(_pieces(value, 0))
    finally:
        # Those that an error has left there would be taken for a cycle.
        if _containers:
            _containers.clear()


def _decode(text):
    value, end = _scan(text, 0)
    if end != len(text):
        raise ValueError(f"{text[end:]!r} after a message")
    return value


class Channel:
    """Two descriptors; the device serves both directions."""

    def __init__(self, in_fd, out_fd=None):
        self._in = in_fd
        self._out = in_fd if out_fd is None else out_fd
        self._buffer = bytearray(_BUFFER_BYTES)
        self._start = 0
        self._end = 0

    def read(self):
        """Waits for a message. None at end of file, which the device never has."""
        scanned = self._start
        while True:
            newline = self._buffer.find(b"\n", scanned, self._end)
            if newline >= 0:
                return _decode(self._take(newline))
            scanned = self._end
            if self._end == len(self._buffer):
                scanned -= self._start
                self._make_room()
            with memoryview(self._buffer) as view, view[self._end :] as free:
                got = _readv(self._in, (free,))
            if got == 0:
                return None
            self._end += got

    def write(self, line):
        """Writes one line of ASCII text, whole."""
        data = line.encode("ascii")
        done = _write(self._out, data)
        while done < len(data):
            done += _write(self._out, data[done : done + (1 << 20)])

    def let_others_run(self):
        """Other threads go on until they wait for something."""
        _write(self._out, b"")

    def _take(self, newline):
        with memoryview(self._buffer) as view, view[self._start : newline] as line:
            text = str(line, "utf-8")
        self._start = newline + 1
        if self._start == self._end:
            self._start = self._end = 0
            if len(self._buffer) > _BUFFER_BYTES:
                self._buffer = bytearray(_BUFFER_BYTES)
        return text

    def _make_room(self):
        pending = self._buffer[self._start : self._end]
        self._start, self._end = 0, len(pending)
        self._buffer = pending + bytearray(len(self._buffer))


def open_device(device):
    """device: a path, or the number of an open descriptor (tests)."""
    return int(device) if device.isdigit() else os.open(device, os.O_RDWR | os.O_CLOEXEC)
