import time


def main(args):
    time.sleep(args.get("ms", 0) / 1000)
    return {}
