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


def reseed(seed):
    """seed: hexadecimal text of 64 random bytes."""
    random._inst.gauss_next = None
    _seed(int(seed, 16))
    fresh.reseeded()
    generators.renew()
    modules = sys.modules
    if "uuid" in modules:
        _reseed_uuid(modules["uuid"])
        fresh.watch_uuid(modules["uuid"], _reseed_uuid)
    if "numpy.random" in modules:
        words = [int(seed[i : i + 8], 16) for i in range(0, len(seed), 8)]
        modules["numpy.random"].seed(words)


def _reseed_uuid(uuid):
    # libuuid keeps a node id and a clock sequence that cannot be reset; without it, uuid1 draws from random.
    uuid._generate_time_safe = None
    uuid._last_timestamp = None
    # A random node id has the multicast bit (RFC 4122, 4.5). There is no network card to take one from.
    uuid._node = random._inst.getrandbits(48) | (1 << 40)
