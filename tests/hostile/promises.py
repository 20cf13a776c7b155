"""
A function that tries, with machine code of its own, what docs/reference/security.md and
docs/reference/domain-interface.md say it cannot do.
"""
import ctypes
import mmap
import os
import socket

from toolkit import DRIVER_OUT, FAR, forge_ready, forge_result, host, native, number, send

PREAD, MMAP, MUNMAP, MPROTECT, CLOSE, GETPID, SOCKET = 17, 9, 11, 10, 3, 39, 41
PAGE = 4096
PRIVATE_FIXED = 0x12
PRIVATE_FIXED_ANONYMOUS = 0x32
NORESERVE = 0x4000
FIRST_IMAGE = 4
EROFS_SUPER, EROFS_MAGIC = 1024, 0xE0F5E1E2
IMAGE_BASE = 0x7000000000

FORGED = b'{"op":"result","id":%d,"status":"ok","value":{"forged":true},"seeded":true}\n'

module_state = "as loaded"


def code(octets):
    memory = mmap.mmap(-1, PAGE, prot=7)
    memory.write(bytes(octets))
    return ctypes.addressof(ctypes.c_char.from_buffer(memory)), memory


def low_code(octets):
    """Below 4 GiB, where 32-bit code has to lie."""
    address = 0x17000000
    assert host(MMAP, address, PAGE, 7, PRIVATE_FIXED_ANONYMOUS, -1, 0) == address
    ctypes.memmove(address, bytes(octets), len(octets))
    return address


def call(args):
    return {"result": host(*args["call"])}


def gate_of_32_bits(args):
    return {"result": native.gate_of_32_bits(number(20))}


def compatibility_mode(args):
    # mov eax, 20 (getpid there); int 0x80
    native.compatibility_mode(number(low_code([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xF4])))


def compatibility_sysenter(args):
    native.compatibility_mode(number(low_code([0xB8, 20, 0, 0, 0, 0x0F, 0x34, 0xF4])))


def vsyscall(args):
    return {"result": native.vsyscall()}


def own_system_call(args):
    """From memory of its own: the library OS answers, and no host."""
    # mov eax, edi; mov rdi, rsi; mov rsi, rdx; mov rdx, rcx; syscall; ret
    octets = [0x89, 0xF8, 0x48, 0x89, 0xF7, 0x48, 0x89, 0xD6, 0x48, 0x89, 0xCA, 0x0F, 0x05, 0xC3]
    address, memory = code(octets)
    routine = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_uint64] * 4)(address)
    return {
        "pid": routine(GETPID, 0, 0, 0) == os.getpid(),
        "raw": routine(SOCKET, socket.AF_INET, socket.SOCK_RAW, 1),
    }


def descriptors(args):
    """What each number up to the limit of 256 can be read as."""
    buffer = ctypes.create_string_buffer(PAGE)
    at = ctypes.addressof(buffer)
    kinds = {}
    for fd in range(256):
        got = host(PREAD, fd, at, 4, EROFS_SUPER)
        if got == 4:
            kind = "image" if int.from_bytes(buffer.raw[:4], "little") == EROFS_MAGIC else "other"
        else:
            kind = {-29: "pipe", -9: "none", 0: "empty"}.get(got, str(got))
        kinds.setdefault(kind, []).append(fd)
    return kinds


def write_image(args):
    """Into its own copy of a page of the root image."""
    assert host(MMAP, FAR, PAGE, 3, PRIVATE_FIXED, FIRST_IMAGE, 0) == FAR
    word = ctypes.c_uint64.from_address(FAR + EROFS_SUPER)
    word.value = 7
    buffer = ctypes.create_string_buffer(8)
    assert host(PREAD, FIRST_IMAGE, ctypes.addressof(buffer), 8, EROFS_SUPER) == 8
    return {"copy": word.value, "image": int.from_bytes(buffer.raw[:4], "little") == EROFS_MAGIC}


def write_libos(args):
    """Over the data of the library OS: the context is its own."""
    ctypes.memset(0x18000000 + 0x40000, 0xFF, 1 << 16)
    return {}


def map_all(args):
    """Writable memory until there is no more of it to be had: reserved, not touched."""
    mapped = 0
    step = 1 << 30
    while mapped < 1 << 39:
        at = FAR + mapped
        if host(MMAP, at, step, 3, PRIVATE_FIXED_ANONYMOUS | NORESERVE, -1, 0) != at:
            return {"mapped": mapped >> 30}
        mapped += step
    return {"mapped": mapped >> 30}


def surroundings(args):
    """What of the host can be seen."""
    pids = [name for name in os.listdir("/proc") if name.isdigit()]
    found = [path for path in args["paths"] if os.path.exists(path)]
    return {"pids": [int(pid) for pid in pids], "own": os.getpid(), "found": found}


def attempt(work):
    try:
        work()
        return "it worked"
    except OSError as error:
        return error.errno


def reach(args):
    """Other contexts, processes and networks, by system calls of the guest."""
    libc = ctypes.CDLL(None, use_errno=True)

    def kill_all():
        for pid in range(1, 70000, 7):
            if pid != os.getpid():
                try:
                    os.kill(pid, 9)
                    return "it worked"
                except ProcessLookupError:
                    pass
        return "none there"

    def read_other():
        libc.syscall(310, os.getppid(), 0, 0, 0, 0, 0)
        return ctypes.get_errno()

    def connect():
        with socket.create_connection((args["host"], args["port"]), timeout=5):
            pass

    return {
        "kill": kill_all(),
        "process_vm_readv": read_other(),
        "connect": attempt(connect),
        "execve": attempt(lambda: os.execv("/bin/sh", ["sh"])),
        "fork": attempt(os.fork),
    }


def frame(args):
    """One frame of any kind, and then the real answer."""
    payload = bytes(args.get("payload", "x" * args["bytes"]), "latin1")
    result = native.frame(
        ctypes.c_uint16(args["type"]),
        ctypes.c_uint16(args.get("flags", 0)),
        ctypes.c_uint32(args["claimed"]),
        payload,
        number(len(payload)),
    )
    return {"sent": result}


def answer_for_others(args):
    """Answers to runs that are not its own, and then its own."""
    for id in range(200):
        send(DRIVER_OUT, FORGED % id)
    return {"n": args["n"]}


def change_state(args):
    global module_state
    before, module_state = module_state, "changed"
    return {"state": before}


def echo(args):
    return {"n": args["n"]}


# ---- at import ----


def answers_in_the_snapshot():
    """What is on its way when the snapshot is taken must not come out of its clones."""
    forge_ready()
    for id in range(50):
        send(DRIVER_OUT, FORGED % id)
    send(DRIVER_OUT, b'{"op":"result","id":')


def main(args):
    return globals()[args["act"]](args)


if "AT_IMPORT" in os.environ:
    globals()[os.environ["AT_IMPORT"]]()
