"""The environment that messages set: only what changed is written, since each setenv(3) copies and dirties memory."""

import os

_current = {}


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
