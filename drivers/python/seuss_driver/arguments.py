"""
The arguments of a run of which only some are known: a dictionary that holds these. Asking it for
anything else reaches the capture point, where the invocation's own arguments come in; from
then on it is a dictionary without ado.
"""


class Arguments(dict):
    """What functions get. Copies of it, pickled ones too, are plain dictionaries."""

    __slots__ = ()

    def __reduce_ex__(self, _protocol):
        return dict, (dict(self),)

    def __copy__(self):
        return dict(self)


# A dictionary that looks empty from C is not asked for its items: the JSON encoder stops at its size.
_PENDING = object()


class PendingArguments(Arguments):
    """
    Every method of dict that looks at more than one known item reaches the capture point first. C code
    that asks a subclass of dict through its methods does so if it overrides `__iter__`.
    """

    __slots__ = ()

    # One at a time, since a UC runs one function at a time: (reach, names that the function deleted).
    _state = None

    @classmethod
    def begin(cls, fixed, reach):
        """fixed: the known arguments. reach: calls `fill` before it returns, in every thread."""
        arguments = cls(fixed)
        dict.__setitem__(arguments, _PENDING, None)
        cls._state = (reach, set())
        return arguments

    def fill(self, all):
        """
        Takes in the invocation's arguments, in their order. What the function has changed meanwhile
        stays.
        """
        # Other threads wait in `reach` until this is done.
        own = dict.copy(self)
        del own[_PENDING]
        _, deleted = PendingArguments._state
        dict.clear(self)
        for name, value in all.items():
            if name in own:
                dict.__setitem__(self, name, own.pop(name))
            elif name not in deleted:
                dict.__setitem__(self, name, value)
        for name, value in own.items():
            dict.__setitem__(self, name, value)
        self.__class__ = Arguments
        PendingArguments._state = None

    def __getitem__(self, name):
        _need(self, name)
        return dict.__getitem__(self, name)

    def get(self, name, default=None):
        _need(self, name)
        return dict.get(self, name, default)

    def __contains__(self, name):
        _need(self, name)
        return dict.__contains__(self, name)

    def __setitem__(self, name, value):
        # A value is replaced whichever it was.
        dict.__setitem__(self, name, value)

    def __delitem__(self, name):
        _need(self, name)
        dict.__delitem__(self, name)
        _note_deleted(name)

    def pop(self, name, *default):
        _need(self, name)
        value = dict.pop(self, name, *default)
        _note_deleted(name)
        return value

    def setdefault(self, name, default=None):
        _need(self, name)
        return dict.setdefault(self, name, default)

    def update(self, *args, **kwargs):
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def __ior__(self, other):
        self.update(other)
        return self


# Functions, since the class of the arguments may change while one of their methods is at work.


def _reach():
    if (state := PendingArguments._state) is not None:
        state[0]()


def _need(arguments, name):
    if (state := PendingArguments._state) is not None:
        if not dict.__contains__(arguments, name) and name not in state[1]:
            state[0]()


def _note_deleted(name):
    if (state := PendingArguments._state) is not None:
        state[1].add(name)


def _reaching(name):
    method = getattr(dict, name)

    def call(self, *args):
        _reach()
        return method(self, *args)

    call.__name__ = name
    return call


for _name in (
    "__eq__ __ne__ __iter__ __len__ __or__ __ror__ __repr__ __reversed__ __sizeof__ "
    "clear copy items keys popitem values"
).split():
    setattr(PendingArguments, _name, _reaching(_name))
