"""
A function that has the whole of its process in hand, and leaves of itself what it can. Addresses:
abi/layout.h, abi/libos.h.
"""
import ctypes
import json
import mmap
import struct
import sys

RECVMSG, WRITEV, PPOLL, MMAP, MPROTECT, MUNMAP, MREMAP = 47, 20, 271, 9, 10, 11, 25
MADVISE, PREAD, CLOSE, CLOCK, SETITIMER = 28, 17, 3, 228, 38
POPULATE_READ = 22
LINK = 3
FIRST_IMAGE = 4
LIBOS, LIBOS_END, VDSO, VDSO_END = 0x18000000, 0x1C000000, 0x1D000000, 0x1D100000
FAR = 0xF00000000
DRIVER_OUT, STDOUT, EXIT = 31, 32, 34
PAGE = 4096
ANYWHERE = (1 << 64) - 1


def word(address):
    return ctypes.c_uint64.from_address(address)


_host = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_uint64] * 7)(word(LIBOS + 0x40).value)
# The routine behind the first one of the code that may make host calls.
_sigreturn = word(LIBOS + 0x40).value + 0x1A


def host(number, *arguments):
    return _host(number, *arguments, *[0] * (6 - len(arguments)))


def code(*octets):
    memory = mmap.mmap(-1, PAGE, prot=7)
    memory.write(bytes(octets))
    return ctypes.addressof(ctypes.c_char.from_buffer(memory)), memory


_data_segment = code(0x8C, 0xD8, 0xC3)
_set_data_segment = code(0xB8, 0x2B, 0, 0, 0, 0x8E, 0xD8, 0xC3)
_flags = code(0x9C, 0x58, 0xC3)
_set_id_flag = code(0x9C, 0x81, 0x0C, 0x24, 0, 0, 0x20, 0, 0x9D, 0xC3)
# void f(ucontext *, void *sigreturn): goes on behind itself, with the rest of that context.
_take_on = code(
    0x48, 0x89, 0xA7, 0xA0, 0, 0, 0, 0x48, 0x89, 0x9F, 0x80, 0, 0, 0, 0x48, 0x89, 0x6F, 0x78,
    0x4C, 0x89, 0x67, 0x48, 0x4C, 0x89, 0x6F, 0x50, 0x4C, 0x89, 0x77, 0x58, 0x4C, 0x89, 0x7F, 0x60,
    0x9C, 0x58, 0x48, 0x89, 0x87, 0xB0, 0, 0, 0,
    0x48, 0x8D, 0x05, 0x09, 0, 0, 0, 0x48, 0x89, 0x87, 0xA8, 0, 0, 0, 0xFF, 0xE6, 0xC3,
)

fixed = mmap.mmap(-1, 1 << 20)
fixed[:] = b"fixed..." * (1 << 17)
address = ctypes.addressof(ctypes.c_char.from_buffer(fixed))
scratch = mmap.mmap(-1, 1 << 20)
buffer = ctypes.addressof(ctypes.c_char.from_buffer(scratch))
runs = 0


def call(routine):
    return ctypes.CFUNCTYPE(ctypes.c_uint64)(routine[0])()


def look():
    """All that a run could find of another one. Finding it changes nothing that the next one would see."""
    global runs
    runs += 1
    readable = [fd for fd in range(FIRST_IMAGE, 40) if host(PREAD, fd, buffer, 64, 0) == 64]
    host(SETITIMER, 0, 0, buffer)
    return {
        "runs": runs,
        "far": host(MADVISE, FAR, PAGE, POPULATE_READ),
        "heap": word(LIBOS_END - PAGE).value,
        "fixed": fixed[:8].decode() + fixed[-8:].decode(),
        "descriptors": readable,
        "interval": [word(buffer).value, word(buffer + 8).value],
        "segment": call(_data_segment) & 0xFFFF,
        "flag": call(_flags) >> 21 & 1,
        "text": ctypes.c_uint32.from_address(LIBOS + 12).value,
        "vdso": ctypes.c_uint8.from_address(vdso_code()[-1] + PAGE - 1).value,
    }


def vdso_code():
    """Its pages of data may not be executed."""
    return [page for page in range(VDSO, VDSO_END, PAGE) if host(MPROTECT, page, PAGE, 5) == 0]


# ---- what a run leaves behind ----


def far():
    assert host(MMAP, FAR, PAGE, 3, 0x32, ANYWHERE, 0) == FAR
    word(FAR).value = 1


def heap():
    word(LIBOS_END - PAGE).value = 1


def unmap():
    assert host(MUNMAP, address, 1 << 19) == 0


def protect():
    fixed[:8] = b"written!"
    assert host(MPROTECT, address, 1 << 20, 0) == 0


def move():
    assert host(MREMAP, address, 1 << 19, 1 << 19, 3, FAR) == FAR


def image():
    assert host(MMAP, address, 1 << 19, 1, 0x12, FIRST_IMAGE, 0) == address


def close():
    for fd in range(FIRST_IMAGE, 12):
        host(CLOSE, fd)


def segment():
    call(_set_data_segment)


def flag():
    call(_set_id_flag)


def text():
    assert host(MPROTECT, LIBOS, PAGE, 7) == 0
    ctypes.c_uint32.from_address(LIBOS + 12).value = 7
    assert host(MPROTECT, LIBOS, PAGE, 5) == 0


def text_replaced():
    size = 1 << 16
    was = ctypes.string_at(LIBOS + PAGE, size)
    ctypes.memmove(buffer, was, size)
    assert host(MREMAP, buffer, size, size, 3, FAR) == FAR
    assert host(MPROTECT, FAR, size, 5) == 0
    # The same bytes in other memory, where they may change later.
    assert host(MREMAP, FAR, size, size, 3, LIBOS + PAGE) == LIBOS + PAGE


def vdso():
    pages = vdso_code()
    assert host(MPROTECT, pages[0], len(pages) * PAGE, 7) == 0
    ctypes.c_uint8.from_address(pages[-1] + PAGE - 1).value = 7
    assert host(MPROTECT, pages[0], len(pages) * PAGE, 5) == 0


def take_on(stack, size, mask=0):
    context = bytearray(304)
    struct.pack_into("<QQQIIQ", context, 0, 6, 0, stack, 0, 0, size)
    struct.pack_into("<HHHH", context, 184, 0x33, 0, 0, 0x2B)
    struct.pack_into("<Q", context, 296, mask)
    scratch[4096:4400] = bytes(context)
    ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64)(_take_on[0])(buffer + 4096, _sigreturn)


def altstack():
    take_on(buffer + (1 << 16), 1 << 16)


def altstack_everywhere():
    take_on(0, (1 << 63) - 1)


def pending():
    take_on(0, 0, mask=1 << 13)
    scratch[:32] = struct.pack("<4q", 0, 0, 0, 1)
    host(SETITIMER, 0, buffer)
    while True:
        before = word(buffer + 64).value
        host(SETITIMER, 0, 0, buffer + 32)
        if scratch[48:64] == bytes(16):
            return


# ---- without a word to the library OS ----


def send(type, payload):
    frame = struct.pack("<HHIQ", type, 0, len(payload), 0) + payload
    scratch[8192 : 8192 + len(frame)] = frame
    scratch[:16] = struct.pack("<QQ", buffer + 8192, len(frame))
    host(WRITEV, LINK, buffer, 1)


def answer(found):
    frame = sys._getframe()
    while frame.f_code.co_name != "_call":
        frame = frame.f_back
    run, server = frame.f_locals["run"], frame.f_locals["self"]
    value = json.dumps({"found": found})
    text = f'{{"op":"result","id":{run.id},"status":"ok","value":{value}{server._seeded}}}\n'
    send(DRIVER_OUT, text.encode())


def wait():
    scratch[:256] = bytes(256)
    scratch[16:32] = struct.pack("<QQ", buffer + 128, 1)
    scratch[128:144] = struct.pack("<QQ", buffer + 8192, 4096)
    while True:
        host(RECVMSG, LINK, buffer, 0)


def timer(found):
    scratch[:32] = struct.pack("<4q", 1000, 7, 1000, 7)
    assert host(SETITIMER, 0, buffer) == 0
    answer(found)
    wait()


def ringing(found):
    scratch[:32] = struct.pack("<4q", 0, 1000, 0, 1000)
    assert host(SETITIMER, 0, buffer) == 0
    answer(found)
    wait()


def half_a_line(found):
    answer(found)
    send(DRIVER_OUT, b'{"op":"result","id":')
    send(STDOUT, b"half")
    wait()


def exit_note(found):
    send(EXIT, struct.pack("<II", 0, 7))
    answer(found)
    wait()


def flood(found):
    answer(found)
    for i in range(3000):
        send(DRIVER_OUT, b"%d\n" % i)
    wait()


def spin(found):
    answer(found)
    while True:
        pass


def spin_without_python(found):
    loop = code(0xEB, 0xFE)
    answer(found)
    call(loop)


def sleep_and_spin(found):
    answer(found)
    scratch[:8] = struct.pack("<IHH", LINK, 0, 0)
    scratch[64:80] = struct.pack("<QQ", 0, 300_000_000)
    host(PPOLL, buffer, 1, buffer + 64)
    while True:
        pass


def flood_for_ever(found):
    answer(found)
    while True:
        send(DRIVER_OUT, b"{}\n")
        send(STDOUT, b"x")


def doze(found):
    answer(found)
    scratch[:8] = struct.pack("<IHH", LINK, 0, 0)
    scratch[64:80] = struct.pack("<QQ", 1000, 0)
    while True:
        host(PPOLL, buffer, 1, buffer + 64)


def processor_time(found):
    host(CLOCK, 2, buffer)
    answer(found)
    wait()


BY_ITSELF = (
    *("timer", "ringing", "half_a_line", "exit_note", "flood", "spin", "doze", "processor_time"),
    *("spin_without_python", "sleep_and_spin", "flood_for_ever"),
)


def main(args):
    found = look()
    act = args.get("act")
    if act in BY_ITSELF:
        globals()[act](found)
    elif act is not None:
        globals()[act]()
    return {"found": found}
