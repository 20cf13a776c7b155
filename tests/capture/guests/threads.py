"""Threads: locks, conditions, queues, hashing with the lock of the interpreter released."""
import hashlib
import os
import queue
import sys
import threading
import zlib

STEPS = 24
THREADS = 4
sys.setswitchinterval(0.0005)

tasks = queue.Queue(maxsize=3)
results = queue.Queue()
total = 0
lock = threading.Lock()
gate = threading.Barrier(THREADS)
local = threading.local()


def work():
    global total
    local.count = 0
    while True:
        task = tasks.get()
        if task is None:
            gate.wait()
            return
        step, index = task
        data = (f'{step} {index} ' * 3000).encode()
        value = step
        for i in range(2000):
            value = (value * 69069 + i) % 4294967296
            if i % 200 == 0:
                with lock:
                    total += value % 1000
        local.count += 1
        digest = hashlib.sha512(zlib.compress(data, 3)).hexdigest()
        results.put((index, digest, value, local.count > 0))


threads = [threading.Thread(target=work) for _ in range(THREADS)]
for thread in threads:
    thread.start()
for step in range(STEPS):
    for index in range(THREADS * 2):
        tasks.put((step, index))
    found = sorted(results.get() for _ in range(THREADS * 2))
    with lock:
        digest = hashlib.sha256(f'{found} {total}'.encode()).hexdigest()
    os.write(1, f'{step} {digest}\n'.encode())
for _ in threads:
    tasks.put(None)
for thread in threads:
    thread.join()
