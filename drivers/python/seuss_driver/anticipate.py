"""
Anticipatory optimisation: before the runtime snapshot is captured, do what functions would all do
first, so that no clone has to. anticipations.json declares what that is, in its order. Each item
leaves nothing open.
"""

import gc
import importlib
import json
import os
import sys
import tempfile
import traceback

from seuss_driver.channel import Channel, encode
from seuss_driver.serve import Server

_LIST = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "anticipations.json")

# Enough for the interpreter to specialise the driver's own code (PEP 659).
_DRIVER_RUNS = 500
_HALFWAY_RUNS = 20

# A typical function imports some of these; each costs 0.2 to 30 ms the first time.
_MODULES = """
    abc argparse array asyncio base64 binascii bisect calendar collections collections.abc
    concurrent.futures contextlib copy csv dataclasses datetime decimal difflib email.message
    enum fractions functools glob gzip hashlib heapq hmac html http.client http.server inspect io ipaddress
    itertools json logging lzma math mimetypes numbers operator pathlib pickle pprint queue random re
    secrets select shutil signal socket ssl statistics string struct subprocess tempfile textwrap
    threading time traceback types typing unicodedata urllib.error urllib.parse urllib.request uuid
    warnings weakref xml.etree.ElementTree zipfile zlib zoneinfo
""".split()

_SOURCES = (
    "def main(args):\n    return {'greeting': f\"hello {args['name']}\"}\n",
    "import json, re, datetime\ndef main(args):\n    print('x', end='')\n"
    "    return [json.loads('[1]'), re.sub('a', 'b', 'abc')]\n",
    "def main(args):\n    raise ValueError('no')\n",
    "this is no Python\n",
)


def anticipate(exclude):
    """Runs every item of anticipations.json but those; one that fails costs its effect, not the boot."""
    with open(_LIST, encoding="utf-8") as file:
        names = [item["name"] for item in json.load(file)]
    for name in names:
        if name in exclude:
            continue
        try:
            _ITEMS[name]()
        except Exception:
            sys.stderr.write(f"anticipation {name} failed: {traceback.format_exc()}")


def _modules():
    for name in _MODULES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            sys.stderr.write(f"anticipation of {name} failed: {error}\n")


def _driver():
    """Whole conversations with a server whose device is a file."""
    stdout, stderr = sys.stdout, sys.stderr
    with open(os.devnull, "w") as sink, tempfile.TemporaryFile() as messages:
        sys.stdout = sys.stderr = sink
        try:
            for source in _SOURCES:
                messages.seek(0)
                messages.truncate()
                messages.write(_conversation(source, _DRIVER_RUNS if source is _SOURCES[0] else 20))
                messages.flush()
                os.lseek(messages.fileno(), 0, os.SEEK_SET)
                Server(Channel(messages.fileno(), sink.fileno())).serve()
        finally:
            sys.stdout, sys.stderr = stdout, stderr
            os.environ.pop("ANTICIPATED", None)
            sys.modules.pop("main__", None)


def _conversation(source, runs):
    seed = "0123456789abcdef" * 8
    init = {"op": "init", "main": "main", "source": source, "filename": "a.py"}
    messages = [{**init, "env": {"ANTICIPATED": "1"}, "seed": seed}]
    for i in range(1, runs + 1):
        env = {"__OW_ACTIVATION_ID": str(i), "__OW_DEADLINE": str(i), "__OW_ACTION_NAME": "/_/a"}
        value = {"name": f"n{i}", "list": [i, 0.5, None, True], "text": "zwölf €"}
        seeded = {"seed": seed} if i % 8 == 0 else {}
        messages.append({"op": "run", "id": i, "value": value, "env": env, **seeded})
    # Runs that park and go on: clones of an argument snapshot do the second half.
    for i in range(_HALFWAY_RUNS):
        messages.append({"op": "specialize", "id": i, "value": {"text": "x"}, "seed": seed})
        value = {"name": f"n{i}", "text": "x"}
        env = {"__OW_X": str(i)}
        messages.append({"op": "resume", "id": i, "value": value, "env": env, "seed": seed})
    messages.append({"op": "run", "id": 0, "value": {}})
    return "".join(encode(message) + "\n" for message in messages).encode()


def _text():
    """Codecs, patterns, dates and parsers fill their caches at first use."""
    import datetime
    import logging
    import re
    import urllib.parse

    for _ in range(20):
        json.loads(json.dumps({"a": [1.5, None, "ü"]}, indent=2, sort_keys=True))
        re.findall(r"(\w+)@(\w+)\.com", "user@example.com")
        urllib.parse.urlencode(urllib.parse.parse_qs("a=1&b=%20"))
        urllib.parse.urlparse("https://user@example.com:8080/p?q=1#h")
        datetime.datetime.fromisoformat("2020-01-01T00:00:00+00:00").strftime("%A %d %B %Y %H:%M:%S")
        datetime.datetime.strptime("2020-01-01", "%Y-%m-%d").astimezone(datetime.timezone.utc)
        "ÄÖ".casefold().encode("latin-1").decode("latin-1").encode("utf-16")
        logging.getLogger("anticipate").debug("not shown")


def _network():
    """A server, a client and name resolution over the UC's own loopback."""
    import http.server
    import threading
    import urllib.request

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            for _ in range(3):
                with opener.open(f"http://localhost:{server.server_port}/", timeout=5) as reply:
                    reply.read()
        finally:
            server.shutdown()
            thread.join()


def _cryptography():
    """OpenSSL loads its providers, and the certificates, at first use."""
    import hashlib
    import hmac
    import ssl

    for name in ("md5", "sha1", "sha256", "sha512", "blake2b"):
        hashlib.new(name, b"x").hexdigest()
    hmac.new(b"key", b"x", "sha256").digest()
    hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 10)
    ssl.create_default_context()


def _threads():
    """Thread pools and event loops are set up at first use."""
    import asyncio
    import concurrent.futures

    async def work():
        await asyncio.sleep(0)
        return await asyncio.to_thread(len, "x")

    asyncio.run(work())
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(len, ["x"] * 4))


_POOL_BYTES = 16 << 10
_POOL_HEADER_BYTES = 48
_filling = []


def _fill_pools():
    """
    Fills what pools of the object allocator (Objects/obmalloc.c) have free, one size after the
    other, until it begins new ones: what a clone allocates then lies together, instead of dirtying
    a shared page here and there.
    """
    sizes = {16: object, 32: lambda: float(len(_filling))}
    sizes |= {size: lambda n=size - bytes.__basicsize__: bytes(n) for size in range(48, 513, 16)}
    for make in sizes.values():
        fresh = 0
        while fresh < 2:
            _filling.append(make())
            fresh += id(_filling[-1]) % _POOL_BYTES == _POOL_HEADER_BYTES


_ITEMS = {
    "modules": _modules,
    "driver": _driver,
    "text": _text,
    "network": _network,
    "crypto": _cryptography,
    "threads": _threads,
    "garbage": gc.collect,
    "filling": _fill_pools,
}
