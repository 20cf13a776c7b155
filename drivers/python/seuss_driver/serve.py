"""The main loop: one blocking read, one message, one answer."""

import _thread
import ctypes
import gc
import sys
import traceback

from seuss_driver import draws, environment, generators
from seuss_driver.arguments import PendingArguments
from seuss_driver.capture_point import CapturePoint
from seuss_driver.channel import encode
from seuss_driver.load import LoadError, load
from seuss_driver.reseed import reseed

_threads = _thread._count

_NOT_A_DICTIONARY = "The action did not return a dictionary or array."
_TOO_DEEP = "The action produced a response that is nested more than 1000 levels deep."


class _Run:
    """A run whose result is awaited."""

    def __init__(self, id, value):
        # Changes when it goes on for another invocation.
        self.id = id
        # What the function was called with.
        self.value = value
        # Where the node captures it, if it wants to.
        self.point = None
        # It called checkpoint() for nothing.
        self.asked = False


class Server:
    def __init__(self, channel):
        self._channel = channel
        self._function = None
        self._running = None
        # What a run has drawn is counted before the next one: a clone that serves one run alone does without.
        self._uncounted = False
        # The end of the next answer.
        self._seeded = ""

    def serve(self):
        """Until the end of file, which only tests and anticipation see."""
        while (message := self._receive()) is not None:
            op = message["op"]
            if op == "run":
                answer = self._run(message)
            elif op == "init":
                answer = self._init(message)
            elif op == "collect":
                if self._uncounted:
                    draws.end_run()
                    self._uncounted = False
                answer = _collect()
            elif op == "examine":
                answer = f'"op":"examined","shared":{encode(draws.examine())}'
            elif op == "specialize":
                answer = self._specialize(message)
            else:
                raise ValueError(f"unknown message {op!r}")
            _flush()
            if _threads() > 0:
                # What they are about to write comes before the answer.
                self._channel.let_others_run()
                _flush()
            self._channel.write(f"{{{answer}{self._seeded}}}\n")

    def checkpoint(self):
        """
        The function calls checkpoint(): its arguments, maybe after a stop; None when none of its
        runs is on.
        """
        run = self._running
        if run is None:
            return None
        if run.point is None:
            run.asked = True
        else:
            run.point.reach()
        return run.value

    def _receive(self):
        message = self._channel.read()
        self._seeded = ""
        if message is not None and "seed" in message:
            draws.note_words()
            reseed(message["seed"])
            draws.other_state()
            self._seeded = ',"seeded":true'
        return message

    def _init(self, message):
        environment.set_action(message.get("env", {}))
        draws.begin_load()
        try:
            self._function = load(**message)
            draws.end_load()
            return '"op":"ready"'
        except LoadError as error:
            reason = str(error)
        except Exception as error:
            reason = _trace(error)
        return f'"op":"failed","error":{encode("Initialization has failed due to: " + reason)}'

    def _run(self, message):
        environment.set_run(message.get("env", {}))
        run = _Run(message["id"], message["value"])
        if message.get("checkpoint"):
            run.point = self._capture_point(run, lambda all: _refill(run.value, all))
            return self._call(run, run.point.leave)
        return self._call(run)

    def _specialize(self, message):
        """Runs the function with the arguments that are fixed, up to where it needs another one."""
        environment.set_run({})
        run = _Run(message["id"], None)
        def reach():
            run.point.reach()

        run.value = PendingArguments.begin(message["value"], reach)
        run.point = self._capture_point(run, run.value.fill)
        environment.watch(reach)
        return self._call(run, reach)

    def _capture_point(self, run, fill):
        """fill: takes the arguments with which the run goes on."""

        def park(observed):
            _flush()
            told = f'"id":{run.id},"observed":{encode(observed)}{self._seeded}'
            self._channel.write(f'{{"op":"parked",{told}}}\n')
            message = self._receive()
            if message is None or message["op"] != "resume":
                raise ValueError(f"{message!r} for a parked run")
            run.id = message["id"]
            return message

        return CapturePoint(park, fill)

    def _call(self, run, at_end=None):
        """at_end: called before the answer is made."""
        if self._uncounted:
            draws.end_run()
        self._uncounted = True
        self._running = run
        try:
            if self._function is None:
                raise RuntimeError("System not initialized.")
            value = self._function(run.value)
            if at_end is not None:
                at_end()
            status, value = _outcome(value)
        except Exception as error:
            if at_end is not None:
                at_end()
            _log(_trace(error))
            status, value = "application_error", encode({"error": _text(error)})
        self._running = None
        asked = ',"checkpoint":true' if run.asked else ""
        return f'"op":"result","id":{run.id},"status":"{status}","value":{value}{asked}'


def _refill(arguments, all):
    arguments.clear()
    arguments.update(all)


def _collect():
    """Before a capture: what the last run left behind, its environment too, is no part of a snapshot."""
    environment.set_run({})
    generators.find()
    gc.collect()
    # Collections in clones then write no page of these objects.
    gc.freeze()
    return f'"op":"collected","drawn":{encode(draws.has_drawn())}'


def _outcome(value):
    if not isinstance(value, (dict, list)):
        return "developer_error", encode({"error": _NOT_A_DICTIONARY})
    try:
        text = encode(value)
    except RecursionError:
        return "application_error", encode({"error": _TOO_DEEP})
    except (TypeError, ValueError) as error:
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
    try:
        return "".join(traceback.format_exception(type(error), error, frames))
    except Exception:
        # It asks the exception for its text, its cause and its notes, which is the function's code.
        return type(error).__name__ + "\n"


_OWN_FILES = frozenset(
    (
        __file__,
        load.__code__.co_filename,
        "<frozen importlib._bootstrap>",
        "<frozen importlib._bootstrap_external>",
    )
)


# A function may have closed, replaced or removed its streams.
_STREAM_ERRORS = (AttributeError, OSError, ValueError)


def _log(text):
    try:
        sys.stderr.write(text)
    except _STREAM_ERRORS:
        pass


# The streams of the C library: what an extension module left in them would come out again in each clone.
_flush_native = ctypes.PyDLL(None).fflush


def _flush():
    """What the function wrote comes before the answer."""
    _flush_native(None)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except _STREAM_ERRORS:
            pass
