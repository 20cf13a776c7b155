"""Merges two YAML texts, the second over the first (python3-yaml)."""

import yaml


def merge(base, over):
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return {**base, **{key: merge(base.get(key), value) for key, value in over.items()}}


def main(args):
    base = yaml.safe_load(args.get("base", "server: {port: 80, host: localhost}"))
    over = yaml.safe_load(args.get("over", "server: {port: 3233}"))
    return {"settings": merge(base, over)}
