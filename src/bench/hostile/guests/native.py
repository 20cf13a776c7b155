"""
A function with machine code of its own. `AT_IMPORT`, an init parameter, names what it does when it
is loaded.
"""
import ctypes
import os
import time

from toolkit import FAR, forge_ready, forge_result, host, native, number

# ---- at import ----


def populate_behind_ready():
    forge_ready()
    native.populate(number(FAR), number(4 << 30))


def churn_behind_ready():
    forge_ready()
    native.churn(number(FAR))


def protect_behind_ready():
    forge_ready()
    native.protect_much(number(FAR), number(16 << 30))


def altstack_behind_ready():
    forge_ready()
    while True:
        native.spin_in_altstack(number(1 << 40))


def many_mappings():
    native.mappings(number(FAR), number(60000))


def spin():
    native.spin()


# ---- in a run ----


def answer_and_spin(args):
    forge_result('{"forged":true}')
    native.spin()


def answer_and_populate(args):
    forge_result('{"forged":true}')
    native.populate(number(FAR), number(4 << 30))
    native.spin()


def many_mappings_in_run(args):
    many_mappings()
    return {}


def deep_result(args):
    depth = args["depth"]
    forge_result('{"deep":' + "[" * depth + "]" * depth + "}")
    time.sleep(60)


def one_byte_frames(args):
    native.one_byte_frames(ctypes.c_uint16(args["type"]), number(1 << 40))


def sleep_and_grow(args):
    time.sleep(args["seconds"])
    native.map(number(FAR), number(2 << 30))
    native.touch(number(FAR), number(2 << 30))
    return {"grown": True}


def forged_calls(args):
    native.forged_calls(number(args["seed"]), number(2000))
    return {"survived": True}


def forged_frames(args):
    native.forged_frames(number(args["seed"]), number(2000))
    return {"survived": True}


def call(args):
    return {"result": host(*args["call"])}


def nothing(args):
    return {}


def main(args):
    return globals()[args.get("act", "nothing")](args)


if "AT_IMPORT" in os.environ:
    globals()[os.environ["AT_IMPORT"]]()
