"""
Which version of docs/reference/driver-protocol.md this driver speaks: that of its node, or it ends.
"""

import os

VERSION = 1
_VARIABLE = "SEUSS_DRIVER_VERSION"


def fault():
    """What is wrong with the node that started the driver; None if it speaks our version."""
    node = os.environ.pop(_VARIABLE, None)
    if node == str(VERSION):
        return None
    speaks = "names no version" if node is None else f"speaks version {node}"
    return f"seuss: the node {speaks} of the driver protocol, the driver speaks version {VERSION}"
