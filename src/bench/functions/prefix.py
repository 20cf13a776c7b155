import time


def main(args):
    """Computes for `ms` milliseconds of processor time, and needs `x` only then."""
    ms = args.get("ms", 0)
    end = time.process_time() + ms / 1000
    steps = 0
    while time.process_time() < end:
        steps += 1
    return {"worked": steps > 0, "x": args.get("x")}
