"""
The program that Python runs in a unikernel context: tells the node that it has booted, then
serves init and run messages. docs/reference/driver-protocol.md

    python3 driver.py [--no-ao[=ITEM,ITEM]]

--no-ao leaves out anticipation, or some items of anticipations.json.
"""

import os
import platform
import sys

from seuss_driver import checkpoint, draws, event_loop, fresh, generators, observe, protocol
from seuss_driver.anticipate import anticipate
from seuss_driver.channel import Channel, encode, open_device
from seuss_driver.serve import Server

_MODULES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "modules")


def _run():
    fault = protocol.fault()
    if fault is not None:
        sys.exit(fault)
    generators.watch()
    # The driver's folder is no place for the user's imports.
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
    # What Seuss offers to functions. Theirs come first.
    sys.path.append(_MODULES)
    observe.install()
    fresh.install()
    event_loop.install()
    for stream in (sys.stdout, sys.stderr):
        # Lines of a function that is then killed must not be lost.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    flag, _, items = (sys.argv[1] if len(sys.argv) > 1 else "").partition("=")
    if flag != "--no-ao" or items:
        anticipate(items.split(","))
    draws.install()
    channel = Channel(open_device(os.environ.pop("SEUSS_DEVICE", "/dev/seuss")))
    booted = {"op": "booted", "version": platform.python_version(), "protocol": protocol.VERSION}
    channel.write(encode(booted) + "\n")
    server = Server(channel)
    checkpoint.serve_with(server)
    server.serve()


_run()
