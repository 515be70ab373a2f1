"""A steady stream of questions over UDP, and what became of each: for tests that change something meanwhile."""
import selectors
import socket
import struct
import threading
import time

import dns.message


class Load:
    """Asks 'names' in turn, 'rate' times a second, from several sockets, until stop()."""

    def __init__(self, port, names, rate, sockets=8):
        self.wires = [dns.message.make_query(name, "A", id=0).to_wire()[2:] for name in names]
        self.names = names
        self.rate = rate
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(sockets)]
        for one in self.sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            one.connect(("127.0.0.1", port))
            one.setblocking(False)
        self.asked = {}         # (socket, id) → (time, number of the name)
        self.answers = []       # (time asked, time answered, number of the name, the reply's octets)
        self.refused = 0        # nobody listened (ICMP)
        self.over = False
        self.thread = threading.Thread(target=self.run)

    def start(self):
        self.thread.start()
        return self

    def stop(self, patience=2.0):
        """How many were never answered."""
        self.over = True
        self.thread.join()
        end = time.monotonic() + patience
        while self.asked and time.monotonic() < end:
            self.take(0.05)
        for one in self.sockets:
            one.close()
        return len(self.asked)

    def run(self):
        start, sent = time.monotonic(), 0
        while not self.over:
            due = int((time.monotonic() - start) * self.rate)
            while sent < due:
                self.ask(sent)
                sent += 1
            self.take(0.001)

    def ask(self, number):
        one = self.sockets[number % len(self.sockets)]
        name = number % len(self.wires)
        ident = number // len(self.sockets) % 65536
        self.asked[one.fileno(), ident] = (time.monotonic(), name)
        try:
            one.send(struct.pack("!H", ident) + self.wires[name])
        except ConnectionRefusedError:
            self.refused += 1

    def take(self, seconds):
        with selectors.DefaultSelector() as selector:
            for one in self.sockets:
                selector.register(one, selectors.EVENT_READ)
            for key, _ in selector.select(seconds):
                self.drain(key.fileobj)

    def drain(self, one):
        while True:
            try:
                reply = one.recv(4096)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                self.refused += 1
                continue
            found = self.asked.pop((one.fileno(), struct.unpack("!H", reply[:2])[0]), None)
            if found is not None:
                self.answers.append((found[0], time.monotonic(), found[1], reply))


def addresses(reply):
    """The IPv4 addresses of an answer whose records all own the question's name."""
    count = struct.unpack("!H", reply[6:8])[0]
    at = 12
    while reply[at]:
        at += reply[at] + 1
    at += 5
    found = []
    for _ in range(count):
        assert reply[at:at + 2] == b"\xc0\x0c" and reply[at + 10:at + 12] == b"\x00\x04"
        found.append(socket.inet_ntoa(reply[at + 12:at + 16]))
        at += 16
    return sorted(found)
