import numpy


def main(args):
    return {"sum": int(numpy.arange(4).sum())}
