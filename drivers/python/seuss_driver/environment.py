"""
The environment that messages set: only what changed is written, since each setenv(3) copies and
dirties memory.
"""

import os
import sys

# Variables of an invocation; every other one is the action's.
_RUN_PREFIX = os.environ.encodekey("__OW_")

# Between os.environ and who looks at it.
_MAPPING_MODULES = (__name__, "os", "collections.abc", "_collections_abc")

_current = {}
_on_run_variable = None


class _Data(dict):
    """What os.environ keeps its variables in: encoded names and values."""

    __slots__ = ()


class _WatchedData(_Data):
    """
    As long as variables of the invocation are watched. The class of the one instance changes to and
    fro.
    """

    __slots__ = ()

    def __getitem__(self, name):
        _need(name)
        return dict.__getitem__(self, name)

    def __setitem__(self, name, value):
        _need(name)
        dict.__setitem__(self, name, value)

    def __delitem__(self, name):
        _need(name)
        dict.__delitem__(self, name)

    def __iter__(self):
        _need_names()
        return dict.__iter__(self)

    def __len__(self):
        _need_names()
        return dict.__len__(self)

    def items(self):
        _need_names()
        return dict.items(self)


_data = os.environ._data = os.environb._data = _Data(os.environ._data)


def _need(name):
    listener = _on_run_variable
    if listener is not None and name.startswith(_RUN_PREFIX):
        listener()


def _need_names():
    # urllib looks through all names, for those of proxies alone.
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") in _MAPPING_MODULES:
        frame = frame.f_back
    if frame is None or frame.f_globals.get("__name__") != "urllib.request":
        _need(_RUN_PREFIX)


def watch(listener):
    """
    Calls `listener` before the next use of a variable of the invocation, or of the variables'
    names. None: no more.
    """
    global _on_run_variable
    _on_run_variable = listener
    _data.__class__ = _Data if listener is None else _WatchedData


def set_action(variables):
    """Sets variables for good: those of the action itself."""
    os.environ.update(variables)


def set_run(variables):
    """Sets the variables of a run, and removes those of the run before that this one does not have."""
    global _current
    if variables == _current:
        return
    for name in _current:
        if name not in variables:
            os.environ.pop(name, None)
    for name, value in variables.items():
        if _current.get(name) != value:
            os.environ[name] = value
    _current = variables
