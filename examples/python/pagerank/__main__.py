"""PageRank of a small graph by power iteration (python3-numpy)."""

import numpy as np

SAMPLE = {"a": ["b", "c"], "b": ["c"], "c": ["a"], "d": ["c"]}


def main(args):
    graph, damping = args.get("graph", SAMPLE), args.get("damping", 0.85)
    names = sorted(graph)
    index = {name: i for i, name in enumerate(names)}
    links = np.zeros((len(names), len(names)))
    for name, targets in graph.items():
        for target in targets or names:
            links[index[target], index[name]] = 1 / len(targets or names)
    rank = np.full(len(names), 1 / len(names))
    for _ in range(100):
        rank = (1 - damping) / len(names) + damping * links @ rank
    return {"ranks": {name: round(float(rank[index[name]]), 6) for name in names}}
