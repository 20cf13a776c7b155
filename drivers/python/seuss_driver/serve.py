"""The main loop: one blocking read, one message, one answer."""

import gc
import sys
import traceback

from seuss_driver import environment
from seuss_driver.channel import encode
from seuss_driver.load import LoadError, load
from seuss_driver.reseed import reseed

_NOT_A_DICTIONARY = "The action did not return a dictionary or array."


class Server:
    def __init__(self, channel):
        self._channel = channel
        self._function = None

    def serve(self):
        """Until the end of file, which only tests and anticipation see."""
        while (message := self._channel.read()) is not None:
            seeded = ""
            if "seed" in message:
                reseed(message["seed"])
                seeded = ',"seeded":true'
            op = message["op"]
            if op == "run":
                answer = self._run(message)
            elif op == "init":
                answer = self._init(message)
            elif op == "collect":
                answer = _collect()
            else:
                raise ValueError(f"unknown message {op!r}")
            _flush()
            self._channel.write(f"{{{answer}{seeded}}}\n")

    def _init(self, message):
        environment.set_action(message.get("env", {}))
        try:
            self._function = load(**message)
            return '"op":"ready"'
        except LoadError as error:
            reason = str(error)
        except Exception as error:
            reason = _trace(error)
        return f'"op":"failed","error":{encode("Initialization has failed due to: " + reason)}'

    def _run(self, message):
        environment.set_run(message.get("env", {}))
        try:
            if self._function is None:
                raise RuntimeError("System not initialized.")
            status, value = _outcome(self._function(message["value"]))
        except Exception as error:
            _log(_trace(error))
            status, value = "application_error", encode({"error": _text(error)})
        return f'"op":"result","id":{message["id"]},"status":"{status}","value":{value}'


def _collect():
    """Before a capture: what the last run left behind, its environment too, is no part of a snapshot."""
    environment.set_run({})
    gc.collect()
    # Collections in clones then write no page of these objects.
    gc.freeze()
    return '"op":"collected"'


def _outcome(value):
    if not isinstance(value, (dict, list)):
        return "developer_error", encode({"error": _NOT_A_DICTIONARY})
    try:
        text = encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        return "developer_error", encode({"error": f"{_NOT_A_DICTIONARY} {_text(error)}"})
    return "application_error" if isinstance(value, dict) and "error" in value else "ok", text


def _text(error):
    """str() of an exception runs its class's code."""
    try:
        return str(error)
    except Exception:
        return type(error).__name__


def _trace(error):
    """The traceback without the driver's own frames, which lead it."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename in _OWN_FILES:
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))


_OWN_FILES = frozenset(
    (__file__, load.__code__.co_filename, "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")
)


# A function may have closed, replaced or removed its streams.
_STREAM_ERRORS = (AttributeError, OSError, ValueError)


def _log(text):
    try:
        sys.stderr.write(text)
    except _STREAM_ERRORS:
        pass


def _flush():
    """What the function wrote comes before the answer."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except _STREAM_ERRORS:
            pass
