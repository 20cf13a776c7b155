"""Leads from the module that functions import to the server that runs them."""

_server = None


def serve_with(server):
    global _server
    _server = server


def checkpoint():
    """The arguments of the invocation that goes on; None when there is none."""
    return None if _server is None else _server.checkpoint()
