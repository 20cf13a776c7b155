"""
The place of a run where the node captures the UC: the driver says that it is parked, and reads the
next message with the function's whole stack below it. The run goes on in the UC and in every clone,
each with the arguments that its message brings.
"""

import threading

from seuss_driver import environment
from seuss_driver.observe import Observation


class CapturePoint:
    def __init__(self, park, on_resume):
        """
        park: tells the node what was observed, and returns the message with which the run goes on.
        on_resume: takes the arguments.
        """
        self._park = park
        self._on_resume = on_resume
        self._observation = Observation()
        # Two threads may come to it at once; the one that is late goes on with the arguments, too.
        self._lock = threading.RLock()
        self._passed = False

    def reach(self):
        """Parks, the first time."""
        with self._lock:
            if self._passed:
                return
            message = self._park(self.leave())
            environment.set_run(message.get("env", {}))
            self._on_resume(message["value"])

    def leave(self):
        """The run goes by without parking. Returns what was observed until now."""
        self._passed = True
        environment.watch(None)
        return self._observation.end()
