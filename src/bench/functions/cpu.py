"""CPU-bound tasks; each is run once to warm up, then timed."""

import hashlib
import json
import re
import time


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


record = {"name": "x" * 40, "tags": ["a", "b", "c"], "nested": {"deep": {"list": [1, 2, 3.5]}}}
records = json.dumps([{**record, "id": i} for i in range(2000)])
text = "The quick brown fox <fox@example.org> jumps over 12 lazy dogs on 2026-11-21. " * 400


def repeat(count, work):
    for _ in range(count):
        work()


block = b"\7" * (1 << 20)
tasks = {
    "fib": lambda: fib(24),
    "json": lambda: repeat(5, lambda: json.dumps(json.loads(records))),
    "crypto": lambda: repeat(100, lambda: hashlib.sha256(block).digest()),
    "regex": lambda: repeat(10, lambda: re.findall(r"[\w.]+@[\w.]+|\d{4}-\d{2}-\d{2}|\bl\w+y\b", text)),
}


def main(args):
    task = tasks[args["task"]]
    task()
    start = time.perf_counter()
    task()
    return {"ms": (time.perf_counter() - start) * 1000}
