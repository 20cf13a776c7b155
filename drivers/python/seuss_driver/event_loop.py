"""
The running event loop in a clone. asyncio keeps the process id beside the loop that runs in a
thread, so that a fork does not find its parent's. A clone has another process id as well, yet its
loop is its own: a run that was captured while the loop ran, by checkpoint() or on demand, goes on
in it.
"""

import asyncio
import functools
import threading
from asyncio import events

_running = threading.local()


def install():
    """Once, before other modules take hold of the functions."""
    remember = events._set_running_loop
    find = events._get_running_loop

    @functools.wraps(remember)
    def _set_running_loop(loop, /):
        remember(loop)
        _running.loop = loop

    @functools.wraps(find)
    def _get_running_loop():
        loop = find()
        if loop is None:
            loop = getattr(_running, "loop", None)
            if loop is not None:
                remember(loop)
        return loop

    @functools.wraps(events.get_running_loop)
    def get_running_loop():
        loop = _get_running_loop()
        if loop is None:
            raise RuntimeError("no running event loop")
        return loop

    for module in (events, asyncio):
        for replacement in (_set_running_loop, _get_running_loop, get_running_loop):
            setattr(module, replacement.__name__, replacement)
