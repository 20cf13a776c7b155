"""The driver's end of /dev/seuss: JSON texts, one per line. docs/reference/driver-protocol.md"""

import json
import os
import sys

_BUFFER_BYTES = 64 * 1024

# User code may replace any of these later.
_readv = os.readv
_write = os.write

_get_recursion_limit = sys.getrecursionlimit
_set_recursion_limit = sys.setrecursionlimit
_get_digits_limit = sys.get_int_max_str_digits
_set_digits_limit = sys.set_int_max_str_digits

# What json.loads and json.dumps end up with: the way there counts references on pages that a clone
# then has to copy.
_scan = json.JSONDecoder().scan_once
_containers = {}
# Characters stand for themselves: the limit on results is one on bytes of UTF-8. NaN is no JSON.
_pieces = json.encoder.c_make_encoder(
    _containers,
    json.JSONEncoder().default,
    json.encoder.encode_basestring,
    None,
    ":",
    ",",
    False,
    False,
    False,
)

# More than the node lets a value be deep: 1,000 levels, and what surrounds them.
_LEVELS = 1100
# A function may have raised the limit beyond what the stack holds of the encoder's frames.
_SAFE_RECURSION = 3000


def encode(value):
    """Its JSON. Raises as json.dumps does: TypeError, ValueError, RecursionError."""
    recursion = _get_recursion_limit()
    if recursion <= _SAFE_RECURSION:
        try:
            return "".join(_pieces(value, 0))
        except (RecursionError, ValueError):
            _containers.clear()
        except BaseException:
            _containers.clear()
            raise
    return _lifted(min(recursion, _SAFE_RECURSION) + _LEVELS, _encode, value)


def _encode(value):
    try:
        return "".join(_pieces(value, 0))
    finally:
        # Those that an error has left there would be taken for a cycle.
        _containers.clear()


def _decode(text):
    try:
        value, end = _scan(text, 0)
    except (RecursionError, ValueError):
        value, end = _lifted(_get_recursion_limit() + _LEVELS, _scan, text, 0)
    if end != len(text):
        raise ValueError(f"{text[end:]!r} after a message")
    return value


def _lifted(recursion_limit, work, *args):
    """With room for the deepest value that the node lets pass, and for any integer."""
    recursion, digits = _get_recursion_limit(), _get_digits_limit()
    _set_recursion_limit(recursion_limit)
    _set_digits_limit(0)
    try:
        return work(*args)
    finally:
        _set_digits_limit(digits)
        _set_recursion_limit(recursion)


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
        """Writes one line of JSON, whole."""
        # What has no UTF-8, half of a surrogate pair, becomes an escape, which is what JSON has for it.
        data = line.encode("utf-8", "backslashreplace")
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
