"""What hostile machine code is driven with, in a function that brings `native.so` along."""
import ctypes
import os
import sys

DRIVER_OUT, STDOUT, STDERR = 31, 32, 33
# Far from what the library OS has mapped.
FAR = 0x4000000000

native = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "native.so"))
for name in ("host", "frame", "map", "populate", "mappings", "gate_of_32_bits", "vsyscall"):
    getattr(native, name).restype = ctypes.c_int64


def number(value):
    return ctypes.c_uint64(value)


def host(*call):
    """One host call, whatever it is: its number and up to six arguments."""
    arguments = [number(each & 0xFFFFFFFFFFFFFFFF) for each in call]
    return native.host(*arguments, *[number(0)] * (7 - len(arguments)))


def send(type, payload):
    length = len(payload)
    return native.frame(ctypes.c_uint16(type), ctypes.c_uint16(0), length, payload, number(length))


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
    def is_run(each):
        return type(each).__name__ == "_Run" or isinstance(each, dict) and each.get("op") == "run"

    run = found(is_run)
    id = run["id"] if isinstance(run, dict) else run.id
    text = f'{{"op":"result","id":{id},"status":"ok","value":{value},"seeded":true}}\n'.encode()
    for at in range(0, len(text), 60000):
        send(DRIVER_OUT, text[at : at + 60000])
