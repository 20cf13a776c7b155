"""
Random state that a clone has of its own although nobody tells it that it is one: a run that was captured
half-way gets no message with a seed. The library OS writes new random bytes to places that are
registered with /dev/seuss-fresh, in each clone, before it runs.

Registered are the state of the module `random`, and a mark by which other state is known to be of
an earlier life. Who has seeded `random` with a value of his own wants that sequence: then its state
is left alone.
"""

import _random
import functools
import os
import random
import struct
import sys

_DEVICE = "/dev/seuss-fresh"
# Modules/_randommodule.c: PyObject_HEAD, int index, uint32_t state[624].
_STATE_OFFSET = 20
_STATE_BYTES = 624 * 4
_OBJECT_BYTES = 2520

_life = bytearray(8)

# The library OS renews the state of `random`.
following = False


def _follow(wanted):
    """Has the state of `random` renewed in each clone, or left alone."""
    global following
    if wanted == following:
        return
    place = struct.pack("QQ", id(random._inst) + _STATE_OFFSET, _STATE_BYTES if wanted else 0)
    device = os.open(_DEVICE, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(device, place)
    finally:
        os.close(device)
    following = wanted


class _Instance(random.Random):
    """The generator behind the functions of `random`."""

    def seed(self, a=None, version=2):
        super().seed(a, version)
        _follow(a is None)

    def setstate(self, state):
        super().setstate(state)
        _follow(False)

    @property
    def gauss_next(self):
        """gauss() draws two values and keeps one, which is of no use in another life."""
        spare = self.__dict__.get("spare")
        return spare[0] if spare is not None and (not following or spare[1] == _life) else None

    @gauss_next.setter
    def gauss_next(self, value):
        self.__dict__["spare"] = None if value is None else (value, bytes(_life))


def install():
    """Once. Outside of a UC there is no such device, and nothing is changed."""
    try:
        device = os.open(_DEVICE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.readv(device, [_life])
    finally:
        os.close(device)
    if sys.implementation.name != "cpython" or _random.Random.__basicsize__ != _OBJECT_BYTES:
        raise RuntimeError("the state of random.Random is not where it was in CPython 3.11")
    _Instance.__name__ = _Instance.__qualname__ = "Random"
    random._inst.__class__ = _Instance
    random.seed = random._inst.seed
    random.setstate = random._inst.setstate
    _follow(True)


def reseeded():
    """
    `random` has got a new seed of the node's: a clone shall have another one again. Of no use while
    `following`.
    """
    random._inst.gauss_next = None
    if random._inst.__class__ is _Instance:
        _follow(True)


def watch_uuid(uuid, renew):
    """
    Calls renew before uuid uses what it keeps from an earlier life. False outside of a UC, where
    that cannot be told.
    """
    if random._inst.__class__ is not _Instance:
        return False
    original = uuid.getnode
    seen = bytes(_life)

    @functools.wraps(original)
    def getnode():
        nonlocal seen
        if seen != _life:
            seen = bytes(_life)
            renew(uuid)
        return original()

    uuid.getnode = getnode
    return True
