"""The interpreter: deep recursion, cycles, big integers, regular expressions, decimals, JSON."""
import decimal
import gc
import hashlib
import json
import os
import re
import sys

STEPS = 16
sys.setrecursionlimit(20000)


def depth(n, value):
    return value if n == 0 else (depth(n - 1, (value * 31 + n) % 1000003) ^ n)


def walk(n):
    for i in range(n):
        if i % 3 == 0:
            yield from walk(i >> 2)
        else:
            yield i


class Node:
    def __init__(self, name):
        self.name = name
        self.self = self


state = 1
words = {}
for step in range(STEPS):
    out = hashlib.sha256()
    out.update(str(depth(2500, step)).encode())
    out.update(str(sum(walk(200 + step))).encode())
    nodes = [Node(f'{step}.{i}') for i in range(600)]
    del nodes[::2]
    collected = gc.collect() >= 0
    for i in range(3000):
        state = (state * 1103515245 + 12345) % 2147483648
        words[f'w{state % 700}'] = words.get(f'w{state % 700}', 0) + i
    out.update(json.dumps(words, sort_keys=True).encode())
    out.update(re.sub(r'(\d+)', lambda m: str(int(m[1]) * 3), ' '.join(words)).encode())
    out.update(str(pow(state | 1, 1 << 300, (1 << 521) - 1)).encode())
    with decimal.localcontext() as context:
        context.prec = 60
        out.update(str(decimal.Decimal(state).sqrt().ln()).encode())
    out.update(str((collected, nodes[-1].self.name)).encode())
    os.write(1, f'{step} {out.hexdigest()}\n'.encode())
