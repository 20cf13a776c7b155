"""
Random generators that code made for itself without naming a seed: each clone has to draw from its
own. One that was given a seed goes on as it would in any process.
"""

import gc
import os
import random
import sys
import weakref

_NUMPY = "numpy.random.bit_generator"
_NUMPY_LEGACY = "numpy.random.mtrand"
_SEED_BYTES = 32

_seed = random.Random.seed
_setstate = random.Random.setstate

# random.Random by id: subclasses may compare as they like.
unseeded = {}
# Of numpy: entropy that it drew for want of a seed, how much of it was looked for, and what was found. Its
# objects have no weak references.
drawn = set()
_looked_for = 0
_found = []

# Called with the name of the module that makes a generator without a seed, and when numpy draws entropy.
on_unseeded = on_numpy = None


def watch():
    """Once, before any other code makes generators."""

    def seed(self, a=None, version=2):
        if a is None and self is not random._inst:
            _note(self)
            if on_unseeded is not None:
                on_unseeded(_caller())
        else:
            unseeded.pop(id(self), None)
        _seed(self, a, version)

    def setstate(self, state):
        unseeded.pop(id(self), None)
        _setstate(self, state)

    for function, original in ((seed, _seed), (setstate, _setstate)):
        function.__doc__ = original.__doc__
        function.__qualname__ = original.__qualname__
        setattr(random.Random, original.__name__, function)
    sys.meta_path.insert(0, _NumpyFinder)


def find():
    """
    Looks for numpy's generators that were made since it was last called; before a collection is
    told to forget objects.
    """
    global _looked_for
    if len(drawn) == _looked_for:
        return
    _looked_for = len(drawn)
    module = sys.modules[_NUMPY]
    kinds = (module.SeedSequence, module.BitGenerator, sys.modules[_NUMPY_LEGACY].RandomState)
    known = {id(item) for item in _found}
    for item in gc.get_objects():
        if isinstance(item, kinds) and id(item) not in known and _is_drawn(item):
            _found.append(item)
    # What holds others comes after them.
    _found.sort(key=lambda item: kinds.index(next(kind for kind in kinds if isinstance(item, kind))))


def renew():
    """A new life begins. Of no use while `unseeded` and `drawn` are empty."""
    for number, reference in list(unseeded.items()):
        generator = reference()
        if generator is None:
            del unseeded[number]
        else:
            _seed(generator, int.from_bytes(os.urandom(_SEED_BYTES), "little"))
    find()
    for item in _found:
        _renew_numpy(item)


def _caller():
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") == random.__name__:
        frame = frame.f_back
    return "" if frame is None else str(frame.f_globals.get("__name__"))


def _note(generator):
    number = id(generator)

    def forget(reference):
        if unseeded.get(number) is reference:
            del unseeded[number]

    unseeded[number] = weakref.ref(generator, forget)


def _is_drawn(item):
    item = getattr(item, "_bit_generator", item)
    # Public since NumPy 1.25.
    sequence = getattr(item, "seed_seq", None) or getattr(item, "_seed_seq", item)
    entropy = getattr(sequence, "entropy", None)
    return isinstance(entropy, int) and entropy in drawn


def _renew_numpy(item):
    sequences = sys.modules[_NUMPY].SeedSequence
    entropy = int.from_bytes(os.urandom(_SEED_BYTES), "little")
    if isinstance(item, sequences):
        item.__init__(entropy, spawn_key=item.spawn_key, pool_size=item.pool_size)
    elif hasattr(item, "_bit_generator"):
        # It keeps a normal deviate for the next call.
        state = item.get_state(legacy=False)
        state.update(has_gauss=0, gauss=0.0)
        item.set_state(state)
    else:
        item.__init__(sequences(entropy))


class _NumpyFinder:
    """Hears of the entropy that numpy draws."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != _NUMPY:
            return None
        sys.meta_path.remove(_NumpyFinder)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                _listen(spec.loader)
                return spec
        return None


def _listen(loader):
    execute = loader.exec_module

    def exec_module(module):
        execute(module)
        draw = getattr(module, "randbits", None)
        if draw is not None:
            module.randbits = lambda bits: _remember(draw(bits))

    loader.exec_module = exec_module


def _remember(entropy):
    drawn.add(entropy)
    if on_numpy is not None:
        on_numpy()
    return entropy
