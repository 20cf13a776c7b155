"""What the library OS keeps: files, SQLite, memory maps, pipes, sockets, signals by timer."""
import hashlib
import mmap
import os
import selectors
import signal
import socket
import sqlite3
import tempfile
import threading

STEPS = 8
ticks = 0


def on_alarm(signum, frame):
    global ticks
    ticks += 1


def through_pipe(data):
    reader, writer = os.pipe()
    chunks = []

    def drain():
        while chunk := os.read(reader, 5000):
            chunks.append(chunk)

    thread = threading.Thread(target=drain)
    thread.start()
    view = memoryview(data)
    while view:
        view = view[os.write(writer, view[:7000]) :]
    os.close(writer)
    thread.join()
    os.close(reader)
    return b''.join(chunks)


def through_socket(data):
    """
    Both ends of a loopback connection in one loop; a clone's process id is another, which asyncio
    takes for a fork.
    """
    with socket.create_server(('127.0.0.1', 0)) as server:
        a = socket.create_connection(server.getsockname())
        b, _ = server.accept()
    out, echo, answer = memoryview(data), bytearray(), bytearray()
    with a, b, selectors.DefaultSelector() as selector:
        a.setblocking(False)
        b.setblocking(False)
        selector.register(a, selectors.EVENT_READ | selectors.EVENT_WRITE)
        selector.register(b, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while len(answer) < len(data):
            for key, events in selector.select():
                if key.fileobj is a and events & selectors.EVENT_WRITE and out:
                    out = out[a.send(out[:9000]) :]
                if key.fileobj is a and events & selectors.EVENT_READ:
                    answer += a.recv(7000)
                if key.fileobj is b and events & selectors.EVENT_READ:
                    echo += b.recv(8000)
                if key.fileobj is b and events & selectors.EVENT_WRITE and echo:
                    del echo[: b.send(echo)]
    return bytes(answer)


def through_pair(data):
    a, b = socket.socketpair()
    with a, b:
        a.sendall(data[:50000])
        b.sendall(data[:30000][::-1])
        return b.recv(50000, socket.MSG_WAITALL) + a.recv(30000, socket.MSG_WAITALL)


signal.signal(signal.SIGALRM, on_alarm)
signal.setitimer(signal.ITIMER_REAL, 0.003, 0.003)
folder = tempfile.mkdtemp()
database = sqlite3.connect(os.path.join(folder, 'db'))
database.execute('create table t (k integer primary key, v text)')
for step in range(STEPS):
    data = hashlib.shake_256(str(step).encode()).digest(120000)
    out = hashlib.sha256()
    with database:
        rows = [(data[i : i + 20].hex(),) for i in range(0, 4000, 20)]
        database.executemany('insert into t (v) values (?)', rows)
        database.execute('delete from t where k % 3 = ?', (step % 3,))
    sums = database.execute('select count(*), max(v), min(v), total(length(v)) from t')
    out.update(str(sums.fetchall()).encode())
    path = os.path.join(folder, str(step))
    with open(path, 'wb+') as file:
        file.write(data)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            out.update(view[1000:90000])
        file.seek(50000)
        file.truncate(80000)
        out.update(file.read())
    out.update(through_pipe(data))
    out.update(through_socket(data))
    out.update(through_pair(data))
    os.write(1, f'{step} {out.hexdigest()} {sorted(os.listdir(folder))[-1]}\n'.encode())
signal.setitimer(signal.ITIMER_REAL, 0)
os.write(1, f'ticked {ticks > 0}\n'.encode())
