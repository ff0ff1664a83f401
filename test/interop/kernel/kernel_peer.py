#!/usr/bin/env python3
"""The Linux kernel's TCP as the peer of a TCP over UDP: kernel_peer.py ORDER

A program with a kernel socket runs in a network namespace of its own, whose only way out is a TUN device. What the
kernel sends into it leaves as one UDP datagram for each segment on the loopback interface of the namespace that this
process was started in; each datagram that arrives is given an IP header and a checksum, and goes back.

    kernel socket - TUN 10.72.0.1 -> 10.72.0.2 [this process] UDP 127.0.0.1 - the program under test

A socket and a TUN keep the namespace that they were made in. So the UDP socket is made first, then this process leaves
for a new namespace without a name: it goes when the process does, however that ends. Nothing is left to be cleaned up.

ORDER is JSON:
  role        "server" or "client", of the kernel
  udpPeer     port on 127.0.0.1 to send to; without it, whoever was heard last
  port        the kernel's own port (server) or the one to connect to (client)
  impair      what happens to datagrams, both ways: loss, duplicate, reorder (probabilities), burst [good to bad, bad to
              good], delay, jitter, reorderBy (ms), rate (Mbit/s), queue (kB)
  seed        for the dice and the bytes
  sysctl      {name: value} under /proc/sys/net/ipv4
  app         what the program does: see App

Writes {"udpPort": N} when it is ready, then {"result": ...} when the program has ended, and goes on relaying until its
standard input is closed. Needs Python 3.8 and root, nothing else.
"""
import collections
import ctypes
import fcntl
import hashlib
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import threading
import time

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFDSTADDR = 0x8914, 0x8916, 0x8918
SIOCSIFNETMASK, SIOCSIFMTU, SIOCATMARK = 0x891C, 0x8922, 0x8905
IFF_UP_RUNNING = 0x41
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
LOCAL, REMOTE = "10.72.0.1", "10.72.0.2"
#: What UDP in an IP packet of 1500 bytes carries, and the IP header that it is given here.
MTU = 1492
APP_SECONDS = 60
libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:
        sys.exit(1)


def leave_for_new_namespace():
    if libc.unshare(CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def open_tun():
    """A TUN from LOCAL to REMOTE, up, in the namespace that the process is in."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        def set_address(request, address):
            packed = struct.pack("16sHH4s16x", b"tun0", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(control, request, packed)
        set_address(SIOCSIFADDR, LOCAL)
        set_address(SIOCSIFDSTADDR, REMOTE)
        set_address(SIOCSIFNETMASK, "255.255.255.255")
        fcntl.ioctl(control, SIOCSIFMTU, struct.pack("16si20x", b"tun0", MTU))
        for name in (b"lo", b"tun0"):
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", name, IFF_UP_RUNNING))
    return tun


def set_sysctl(values):
    for name, value in values.items():
        with open("/proc/sys/net/ipv4/" + name, "w") as file:
            file.write(str(value))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_packet(segment, ident):
    """`segment` as it comes from REMOTE, its checksum right."""
    source, target = socket.inet_aton(REMOTE), socket.inet_aton(LOCAL)
    bare = segment[:16] + b"\0\0" + segment[18:]
    total = checksum(source + target + struct.pack("!HH", 6, len(bare)) + bare)
    segment = bare[:16] + struct.pack("!H", total) + bare[18:]
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), ident & 0xFFFF, 0x4000, 64, 6, 0, source, target)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + segment


class Link:
    """One direction of the network, and what it does to datagrams."""

    DEFAULTS = {"loss": 0, "duplicate": 0, "reorder": 0, "burst": None, "delay": 0, "jitter": 0, "reorderBy": 4,
                "rate": 0, "queue": 64}

    def __init__(self, faults, seed):
        unknown = set(faults) - set(self.DEFAULTS)
        if unknown:
            raise SystemExit("unknown faults: %s" % ", ".join(unknown))
        self.faults = {**self.DEFAULTS, **faults}
        self.dice = random.Random(seed)
        self.under_way = []
        self.count = 0
        self.is_bad = False
        self.free_at = 0.0
        self.stats = collections.Counter()

    def send(self, now, data):
        faults, dice = self.faults, self.dice
        # The same number of draws for each, so that a seed repeats its dice.
        lost, doubled, reordered, late, turned = (dice.random() for _ in range(5))
        if faults["burst"]:
            to_bad, to_good = faults["burst"]
            self.is_bad = turned >= to_good if self.is_bad else turned < to_bad
        if self.is_bad or lost < faults["loss"]:
            self.stats["lost"] += 1
            return
        at = self.leave_at(now, len(data))
        if at is None:
            self.stats["queueDropped"] += 1
            return
        at += (faults["delay"] + faults["jitter"] * late) / 1e3
        if reordered < faults["reorder"]:
            at += faults["reorderBy"] / 1e3
            self.stats["reordered"] += 1
        copies = 2 if doubled < faults["duplicate"] else 1
        self.stats["duplicated"] += copies - 1
        for _ in range(copies):
            self.count += 1
            heapq.heappush(self.under_way, (at, self.count, data))

    def leave_at(self, now, length):
        """When the bottleneck has sent it; None when its queue is full."""
        if not self.faults["rate"]:
            return now
        bytes_per_second = self.faults["rate"] * 1e6 / 8
        self.free_at = max(self.free_at, now)
        if (self.free_at - now) * bytes_per_second > self.faults["queue"] * 1000:
            return None
        self.free_at += (length + 28) / bytes_per_second
        return self.free_at

    def due(self, now):
        while self.under_way and self.under_way[0][0] <= now:
            yield heapq.heappop(self.under_way)[2]

    def wait_ms(self, now):
        return max(0.0, (self.under_way[0][0] - now) * 1e3) if self.under_way else 1000.0


class Relay:
    def __init__(self, order, udp, tun, result):
        self.udp, self.tun, self.result = udp, tun, result
        self.peer = ("127.0.0.1", order["udpPeer"]) if order.get("udpPeer") else None
        self.is_learning = self.peer is None
        seed = order.get("seed", 1)
        self.outward = Link(order.get("impair", {}), seed)
        self.inward = Link(order.get("impair", {}), seed + 1)
        self.ident = 0
        self.result_text = b""

    def run(self):
        """Until nobody wants it any more: standard input is closed."""
        poll = select.poll()
        for source in (self.tun, self.udp.fileno(), self.result, sys.stdin.fileno()):
            poll.register(source, select.POLLIN)
        while True:
            now = time.monotonic()
            wait = min(self.outward.wait_ms(now), self.inward.wait_ms(now))
            for source, _ in poll.poll(wait):
                if source == sys.stdin.fileno():
                    return
                if source == self.result:
                    self.take_result(poll)
                elif source == self.tun:
                    self.take_packets()
                else:
                    self.take_datagrams()
            self.deliver(time.monotonic())

    def take_packets(self):
        for _ in range(64):
            try:
                packet = os.read(self.tun, 65536)
            except BlockingIOError:
                return
            if packet[0] >> 4 != 4 or packet[9] != 6:
                continue
            segment = packet[(packet[0] & 15) * 4:struct.unpack_from("!H", packet, 2)[0]]
            # The checksum covers addresses that nobody else knows; UDP has one of its own.
            self.outward.send(time.monotonic(), segment[:16] + b"\0\0" + segment[18:])

    def take_datagrams(self):
        for _ in range(64):
            try:
                data, address = self.udp.recvfrom(65536)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            if self.is_learning:
                self.peer = address
            if len(data) >= 20 and 20 <= (data[12] >> 4) * 4 <= len(data):
                self.inward.send(time.monotonic(), data)

    def deliver(self, now):
        for data in self.outward.due(now):
            if self.peer is not None:
                try:
                    self.udp.sendto(data, self.peer)
                except OSError:
                    self.outward.stats["refused"] += 1
        for data in self.inward.due(now):
            self.ident += 1
            try:
                os.write(self.tun, ip_packet(data, self.ident))
            except OSError:
                self.inward.stats["refused"] += 1

    def take_result(self, poll):
        text = os.read(self.result, 65536)
        self.result_text += text
        if text:
            return
        poll.unregister(self.result)
        tell({"result": json.loads(self.result_text or b"null"), "outward": self.outward.stats,
              "inward": self.inward.stats})


class App:
    """The program with the kernel's socket.

    Sends `bytes` made from the seed and reads what comes, both at once, then ends the connection as `close` says:
      kernel     closes first, and reads to the end
      ptcp       reads to the end, then closes
      both       closes as soon as it has sent and read its share, not looking at the peer
      reset      resets
      wait-reset reads, expecting a reset
    `awaitEnd`: it begins to send when it has read to the end. `urgent`: where in what it sends is a byte with MSG_OOB.
    `readUrgent`: reads inline, and notes where the urgent mark is. `congestion`: the controller of the socket.
    """

    def __init__(self, order):
        self.order = order["app"]
        self.size = self.order.get("bytes", 0)
        self.seed = order.get("seed", 1)
        self.received = hashlib.sha256()
        self.got = 0
        self.end = "open"
        self.mark = None
        self.sent = hashlib.sha256()

    def run(self, connection):
        connection.settimeout(APP_SECONDS)
        controller = self.order.get("congestion")
        if controller:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, controller.encode())
        if self.order.get("readUrgent"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        try:
            self.exchange(connection)
        except ConnectionResetError:
            self.end = "reset"
        except BrokenPipeError:
            self.end = "reset"
        except socket.timeout:
            self.end = "timeout"
        result = {"got": self.got, "received": self.received.hexdigest(), "sent": self.sent.hexdigest(),
                  "end": self.end, "mark": self.mark, "options": agreed(connection)}
        self.close(connection)
        return result

    def exchange(self, connection):
        close = self.order["close"]
        expected = self.order.get("expect", self.size)
        if self.order.get("awaitEnd"):
            self.read_to_end(connection)
            self.send(connection)
        else:
            sender = threading.Thread(target=self.send, args=(connection,))
            sender.start()
            self.read(connection, expected)
            sender.join()
        if close in ("kernel", "both"):
            connection.shutdown(socket.SHUT_WR)
        if close in ("kernel", "ptcp", "both", "wait-reset") and self.end == "open":
            self.read_to_end(connection)

    def send(self, connection):
        data = random.Random(self.seed).getrandbits(8 * self.size).to_bytes(self.size, "big") if self.size else b""
        self.sent.update(data)
        urgent = self.order.get("urgent")
        try:
            if urgent is None:
                connection.sendall(data)
                return
            connection.sendall(data[:urgent])
            connection.send(data[urgent:urgent + 1], socket.MSG_OOB)
            connection.sendall(data[urgent + 1:])
        except OSError:
            # Whoever reads finds out why.
            pass

    def read(self, connection, expected):
        while self.got < expected and self.take(connection):
            pass

    def read_to_end(self, connection):
        while self.take(connection):
            pass

    def take(self, connection):
        if self.order.get("readUrgent") and self.mark is None and at_mark(connection):
            self.mark = self.got
        data = connection.recv(1 << 16)
        if not data:
            self.end = "eof"
            return False
        self.received.update(data)
        self.got += len(data)
        return True

    def close(self, connection):
        if self.order["close"] == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def at_mark(connection):
    return struct.unpack("i", fcntl.ioctl(connection, SIOCATMARK, struct.pack("i", 0)))[0] == 1


def agreed(connection):
    """What the kernel says was agreed on: tcpi_options."""
    try:
        options = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[5]
    except OSError:
        return None
    return {"timestamps": bool(options & 1), "sack": bool(options & 2), "windowScaling": bool(options & 4)}


def start_app(order):
    """Runs the program in a process of its own, and returns where its result can be read."""
    listener = None
    if order["role"] == "server":
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOCAL, order["port"]))
        listener.listen(8)
        listener.settimeout(APP_SECONDS)
    reader, writer = os.pipe()
    if os.fork() != 0:
        os.close(writer)
        return reader
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.close(reader)
    status = 1
    try:
        if listener is not None:
            connection, _ = listener.accept()
        else:
            connection = socket.create_connection((REMOTE, order["port"]), timeout=APP_SECONDS)
        os.write(writer, json.dumps(App(order).run(connection)).encode())
        status = 0
    except BaseException as error:
        os.write(writer, json.dumps({"error": repr(error)}).encode())
    finally:
        os._exit(status)


def tell(message):
    print(json.dumps(message), flush=True)


def main():
    die_with_parent()
    order = json.loads(sys.argv[1])
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for option in (SO_SNDBUFFORCE, SO_RCVBUFFORCE):
        udp.setsockopt(socket.SOL_SOCKET, option, 8 << 20)
    udp.bind(("127.0.0.1", 0))
    udp.setblocking(False)
    leave_for_new_namespace()
    tun = open_tun()
    set_sysctl(order.get("sysctl", {}))
    result = start_app(order)
    tell({"udpPort": udp.getsockname()[1]})
    Relay(order, udp, tun, result).run()


if __name__ == "__main__":
    main()
