"""
Notes what a run uses that will not be the same in another one: random sources, clocks, the network.
os.urandom is wrapped for good, since modules take hold of it when they are imported; the rest for
the time of an observation, so that nothing else pays for it. Generators that C code seeds for
itself are out of sight.
"""

import functools
import os
import random
import sys

from seuss_driver import draws

_seen = None

# Temporary names are drawn anew in each process.
_HARMLESS = "tempfile"
# An event loop looks at the clock for its own timers.
_EVENT_LOOP = "asyncio"
_IMPORT = "importlib._bootstrap"
# The frames between a random source and who asked for it.
_SOURCES = ("random", "secrets", __name__)

_TIMES = "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns localtime gmtime".split()


def _caller():
    """Name of the module that asked for random bytes or the time."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") in _SOURCES:
        frame = frame.f_back
    return "" if frame is None else str(frame.f_globals.get("__name__"))


def _note_random(name):
    if _seen is not None:
        caller = _caller()
        # numpy.random seeds itself while it is imported, and reseed.py seeds it again.
        if caller != _HARMLESS and not (caller.endswith(_IMPORT) and "numpy" in sys.modules):
            _seen.add(f"random: {name}")


def install():
    """Puts the lasting wrapper in place, once."""
    original = os.urandom

    @functools.wraps(original)
    def urandom(size, /):
        if _seen is not None:
            _note_random("os.urandom")
        draws.note_bytes(_caller, "os.urandom", size)
        return original(size)

    os.urandom = random._urandom = urandom


def _noted(module, name, note):
    original = getattr(module, name)

    @functools.wraps(original)
    def call(*args, **kwargs):
        if _seen is not None:
            note()
        return original(*args, **kwargs)

    return call


def _note_time(name):
    if not _caller().startswith(_EVENT_LOOP):
        _seen.add(f"time: time.{name}")


def _seeding(original):
    def seed(self, a=None, version=2):
        if a is None:
            _note_random("random.Random")
        return original(self, a, version)

    return seed


def _numpy_mark():
    numpy = sys.modules.get("numpy.random")
    if numpy is None:
        return None
    _, key, position, *rest = numpy.get_state()
    return key.tobytes(), position, rest


class Observation:
    """Takes notes until `end`, which returns them; each is a kind, a colon, and what was used."""

    def __init__(self):
        global _seen
        _seen = self._notes = set()
        self._random = random.getstate()
        self._numpy = _numpy_mark()
        self._native = draws.native()
        self._undo = []
        import time

        for name in _TIMES:
            self._replace(time, name, _noted(time, name, functools.partial(_note_time, name)))
        self._replace(random.Random, "seed", _seeding(random.Random.seed))
        if (ssl := sys.modules.get("ssl")) is not None:
            note = functools.partial(_note_random, "ssl.RAND_bytes")
            self._replace(ssl, "RAND_bytes", _noted(ssl, "RAND_bytes", note))
        if (socket := sys.modules.get("socket")) is not None:
            note = lambda: self._notes.add("network: socket")  # noqa: E731
            for name in ("connect", "connect_ex", "sendto"):
                self._replace(socket.socket, name, _noted(socket.socket, name, note))

    def _replace(self, owner, name, value):
        """Unless other code has replaced it again, `end` undoes this."""
        inherited = name not in vars(owner)
        self._undo.append((owner, name, value, None if inherited else vars(owner)[name]))
        setattr(owner, name, value)

    def end(self):
        global _seen
        if _seen is self._notes:
            _seen = None
        for owner, name, value, original in reversed(self._undo):
            if vars(owner).get(name) is value:
                if original is None:
                    delattr(owner, name)
                else:
                    setattr(owner, name, original)
        self._undo.clear()
        if random.getstate() != self._random:
            self._notes.add("random: random")
        if draws.native() != self._native:
            self._notes.add("random: native code")
        if self._numpy is not None and _numpy_mark() != self._numpy:
            self._notes.add("random: numpy.random")
        return sorted(self._notes)
