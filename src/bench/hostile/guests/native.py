"""A function with machine code of its own. `AT_IMPORT`, an init parameter, names what it does when it is loaded."""
import ctypes
import json
import os
import sys
import time

DRIVER_OUT, STDOUT, STDERR = 31, 32, 33
# Far from what the library OS has mapped.
FAR = 0x4000000000
LIMIT = 256 << 20

native = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "native.so"))
for name in ("host", "frame", "map", "populate", "mappings", "gate_of_32_bits", "vsyscall"):
    getattr(native, name).restype = ctypes.c_int64


def number(value):
    return ctypes.c_uint64(value)


def send(type, payload):
    return native.frame(ctypes.c_uint16(type), ctypes.c_uint16(0), len(payload), payload, number(len(payload)))


def found(want):
    """Something of the driver's, by what it looks like, on the stack."""
    frame = sys._getframe()
    while frame is not None:
        for value in list(frame.f_locals.values()):
            if want(value):
                return value
        frame = frame.f_back
    raise LookupError


def forge_ready():
    """The driver's word that the code is loaded, which it is not."""
    send(DRIVER_OUT, b'{"op":"ready","seeded":true}\n')


def forge_result(value):
    """An answer of one's own, before the driver gives its own."""
    run = found(lambda each: type(each).__name__ == "_Run" or isinstance(each, dict) and each.get("op") == "run")
    id = run["id"] if isinstance(run, dict) else run.id
    text = f'{{"op":"result","id":{id},"status":"ok","value":{value},"seeded":true}}\n'.encode()
    for at in range(0, len(text), 60000):
        send(DRIVER_OUT, text[at : at + 60000])


# ---- at import ----


def populate_behind_ready():
    forge_ready()
    native.populate(number(FAR), number(4 << 30))


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
    """One host call, whatever it is."""
    arguments = [number(each & 0xFFFFFFFFFFFFFFFF) for each in args["call"]]
    return {"result": native.host(*arguments, *[number(0)] * (7 - len(arguments)))}


def nothing(args):
    return {}


def main(args):
    return globals()[args.get("act", "nothing")](args)


if "AT_IMPORT" in os.environ:
    globals()[os.environ["AT_IMPORT"]]()
