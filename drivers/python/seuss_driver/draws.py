"""
What a function has drawn from random sources, and whether it keeps something of it: clones of a UC
that has run would have that in common. What is drawn in each run alike is taken to serve that run.
What only some runs draw (the first one, say) is kept for others, and so is all that is drawn while
the code is loaded, unless it is renewed in each clone. Native code draws past all this: the library
OS counts it.
"""

import _random
import ctypes
import functools
import os
import random
import sys

from seuss_driver import generators

_DEVICE = "/dev/seuss-draws"
# Runs that may set something up; those after them tell what each run draws.
_FIRST_RUNS = 2
_KINDS_MAX = 64
_WATCHED_MAX = 8
_GENERATOR = "random.Random"
_MODULE = "random"
_NUMPY = "numpy.random"
# Modules/_randommodule.c: PyObject_HEAD, int index.
_INDEX_OFFSET = 16
_OBJECT_BYTES = 2520
_STATE_WORDS = 624
# They draw anew when the process id is another one; the counter that they go on with is told apart by that.
_RENEW_THEMSELVES = ("bson.objectid", "tempfile")


class _Kind:
    __slots__ = ("total", "now", "loaded", "runs", "first", "later")

    def __init__(self):
        # Draws; in this run; while the code was loaded; runs that drew; the most in one of the
        # first runs, and of the others.
        self.total = self.now = self.loaded = self.runs = self.first = self.later = 0

    def is_regular(self):
        """No run draws it, or each one, the first ones no more of it."""
        return self.runs == 0 or (self.runs == _runs > _FIRST_RUNS and self.first <= self.later)


# "load", then "runs"; None before.
_phase = None
_kinds = {}
_too_many = False
_runs = 0
_drew = False
# Draws of native code: the library OS writes them there.
_native = bytearray(8)
_native_before = bytes(8)
# Generators whose draws show in their state: the place of their index, and what it was.
_indexes = []


def native():
    """How often native code has drawn, as an opaque value."""
    return bytes(_native)


def note(name, times=1):
    """Something is drawn."""
    global _drew, _too_many
    if _phase is None:
        return
    kind = _kinds.get(name)
    if kind is None:
        if len(_kinds) == _KINDS_MAX:
            _too_many = True
            return
        kind = _kinds[name] = _Kind()
    kind.total += times
    if _phase == "load":
        kind.loaded += times
    else:
        kind.now += times
        _drew = True


def note_bytes(caller, name, size):
    """`caller` tells the name of the module that asked for them."""
    if _phase is not None and caller() not in (*_RENEW_THEMSELVES, generators.__name__):
        note(f"{name} {size}")


def _noted(module, name, text):
    original = getattr(module, name)

    @functools.wraps(original)
    def call(size, *args, **kwargs):
        note(f"{text} {size}")
        return original(size, *args, **kwargs)

    setattr(module, name, call)


def install():
    """Once, before the function's code can take hold of what is replaced; os.urandom is observe.py's."""
    _follow_native()
    _noted(os, "getrandom", "os.getrandom")
    for name in ("_ssl", "ssl"):
        if name in sys.modules:
            _noted(sys.modules[name], "RAND_bytes", "ssl.RAND_bytes")
    generators.on_unseeded = _note_generator
    generators.on_numpy = _note_numpy
    _watch(random._inst)


def _follow_native():
    try:
        device = os.open(_DEVICE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        # Tests outside of a UC.
        return
    try:
        os.readv(device, [_native])
    finally:
        os.close(device)


def _note_generator(caller):
    if caller not in _RENEW_THEMSELVES:
        note(_GENERATOR)


def _note_numpy():
    # The module makes its own generator first, while it is imported: reseed.py knows of it.
    if hasattr(sys.modules.get("numpy.random.mtrand"), "_rand"):
        note(_NUMPY)


def _watch(generator):
    if sys.implementation.name == "cpython" and _random.Random.__basicsize__ == _OBJECT_BYTES:
        index = ctypes.c_int.from_address(id(generator) + _INDEX_OFFSET)
        _indexes.append([index, index.value])


def other_state():
    """Generators were given another state; note_words() came before."""
    for index in _indexes:
        index[1] = index[0].value


def note_words():
    for index in _indexes:
        now = index[0].value
        words = (now - index[1]) % _STATE_WORDS
        if words:
            note(_MODULE, words)
            index[1] = now


def begin_load():
    """The code is about to be loaded. What was drawn before is forgotten."""
    global _phase, _native_before, _runs, _drew
    _phase = "load"
    if _kinds:
        _kinds.clear()
    if _native_before != _native:
        _native_before = bytes(_native)
    _runs = 0
    _drew = False
    # That of the module stays: to make it anew is a dozen pages that each clone writes to.
    del _indexes[1:]
    other_state()


def end_load():
    global _phase
    note_words()
    _phase = "runs"
    own = [generator for reference in generators.unseeded.values() if (generator := reference()) is not None]
    for generator in own[:_WATCHED_MAX]:
        _watch(generator)


def end_run():
    global _runs, _drew
    _runs += 1
    note_words()
    if not _drew:
        return
    _drew = False
    for kind in _kinds.values():
        if kind.now:
            kind.runs += 1
            if _runs <= _FIRST_RUNS:
                kind.first = max(kind.first, kind.now)
            else:
                kind.later = max(kind.later, kind.now)
            kind.now = 0


def has_drawn():
    return bool(_kinds) or _too_many or _native != _native_before


def examine():
    """In a clone of a capture: why other clones would have drawn values in common."""
    found = set()
    if _too_many:
        found.add("random: many kinds of values")
    if _native != _native_before:
        found.add("random: native code")
    for name, kind in _kinds.items():
        if not kind.is_regular() or not _is_renewed(name, kind.loaded):
            found.add(f"random: {name.split(' ')[0]}")
    return sorted(found)


def _is_renewed(name, loaded):
    """Of generators that were made when the code was loaded each clone has a state of its own."""
    if loaded == 0 or name == _NUMPY:
        return True
    alive = sum(reference() is not None for reference in generators.unseeded.values())
    return name == _GENERATOR and alive >= loaded
