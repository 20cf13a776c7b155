"""
Runs modules of CPython's own test suite and prints one line per test: its outcome and its id,
on descriptor 1, whatever the tests print themselves (descriptor 2).

    python3 outcomes.py test_json test_re …
"""

import os
import sys
import unittest

results = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
# Tests try what the file system can do while they are loaded.
os.chdir(os.environ["TMPDIR"])

from test import support  # noqa: E402

support.verbose = 0
support.use_resources = ("network",) if os.environ.get("TEST_NETWORK") else ()


class Lines(unittest.TestResult):
    def _line(self, outcome, test):
        print(outcome, test.id(), file=results)

    def startTest(self, test):
        super().startTest(test)
        print("start", test.id(), file=sys.stderr, flush=True)

    def addSuccess(self, test):
        self._line("ok", test)

    def addError(self, test, error):
        self._failed(test, error)

    def addFailure(self, test, error):
        self._failed(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self._failed(test, error)

    def addSkip(self, test, reason):
        self._line("skip", test)

    def addExpectedFailure(self, test, error):
        self._line("ok", test)

    def addUnexpectedSuccess(self, test):
        self._line("fail", test)

    def _failed(self, test, error):
        self._line("fail", test)
        print(f"FAIL {test.id()}\n{self._exc_info_to_string(error, test)}", file=sys.stderr, flush=True)


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def talks_to_host(test):
    """VSOCK leads out of a virtual machine; on one without a listener the tests hang."""
    return "VSOCK" in type(test).__name__


def main():
    only = os.environ.get("TEST_ONLY")
    suite = unittest.TestSuite()
    loader = unittest.TestLoader()
    if only:
        loader.testNamePatterns = [f"*{pattern}*" for pattern in only.split(",")]
    for name in sys.argv[1:]:
        found = flat(loader.loadTestsFromName(f"test.{name}"))
        suite.addTests(test for test in found if not talks_to_host(test))
    suite.run(Lines())
    print("done", " ".join(sys.argv[1:]), file=results)


main()
