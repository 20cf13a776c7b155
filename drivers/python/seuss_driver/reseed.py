"""
Clones of one snapshot share every random state in the memory of the process. This module
makes them differ, as far as a module that holds such a state has been imported. Clones that go on
without a message, from a run that was captured, are the concern of fresh.py.

The kernel's source (os.urandom, secrets, SystemRandom) is reseeded by the library OS.
OpenSSL's generator and tempfile's names notice the new process id. What code made for itself without a seed
is generators.py's. Out of reach is the seed of str hashes, which a runtime snapshot fixes.
"""

import random
import sys

from seuss_driver import fresh, generators

# random.Random's own seed takes detours that are of no use for an int.
_seed = super(random.Random, random._inst).seed


# The module uuid that renews itself.
_watched_uuid = None


def reseed(seed):
    """
    seed: hexadecimal text of 64 random bytes. Each clone pays for what this looks at: as little as
    it can.
    """
    _seed(int(seed, 16))
    if not fresh.following:
        fresh.reseeded()
    if generators.unseeded or generators.drawn:
        generators.renew()
    modules = sys.modules
    uuid = modules.get("uuid")
    if uuid is not _watched_uuid:
        _take_uuid(uuid)
    if "numpy.random" in modules:
        words = [int(seed[i : i + 8], 16) for i in range(0, len(seed), 8)]
        modules["numpy.random"].seed(words)


def _take_uuid(uuid):
    global _watched_uuid
    if uuid is not None:
        _reseed_uuid(uuid)
    if uuid is None or fresh.watch_uuid(uuid, _reseed_uuid):
        _watched_uuid = uuid


def _reseed_uuid(uuid):
    # libuuid keeps a node id and a clock sequence that cannot be reset; without it, uuid1 draws from random.
    uuid._generate_time_safe = None
    uuid._last_timestamp = None
    # A random node id has the multicast bit (RFC 4122, 4.5). There is no network card to take one from.
    uuid._node = random._inst.getrandbits(48) | (1 << 40)
