"""One end of a transfer, played by the original Vertex. For Python 2.7 and 3; Twisted, and what Vertex imports, must be there.

    python peer.py SOURCE server|client PORT COUNT CLOSER

Prints one line of JSON for each thing that happens. Twisted's own log is left alone.
"""
from __future__ import print_function

import hashlib
import json
import sys

SOURCE, ROLE, PORT, COUNT, CLOSER = sys.argv[1:6]
PORT, COUNT = int(PORT), int(COUNT)
sys.path.insert(0, SOURCE)
# Old modules of Vertex import one another without the name of the package.
sys.path.insert(1, SOURCE + "/vertex")


def tell(**facts):
    print(json.dumps(facts))
    sys.stdout.flush()


try:
    from twisted.internet import protocol, reactor
    from vertex import ptcp
except Exception as error:
    tell(event="cannot", why="%s: %s" % (type(error).__name__, error))
    sys.exit(3)


def pattern(count, start):
    return bytes(bytearray((i * 31 + (i >> 8) + start) & 255 for i in range(count)))


class End(protocol.Protocol):
    def connectionMade(self):
        self.seen = hashlib.sha256()
        self.count = 0
        tell(event="made")
        if CLOSER != "abort":
            self.transport.write(pattern(COUNT, 1))

    def dataReceived(self, data):
        self.seen.update(data)
        self.count += len(data)
        if self.count >= COUNT and CLOSER in ("theirs", "both"):
            self.transport.loseConnection()

    def connectionLost(self, reason):
        tell(event="lost", count=self.count, sha256=self.seen.hexdigest())
        reactor.callLater(1, finish)


class Ends(protocol.ClientFactory):
    protocol = End

    def clientConnectionFailed(self, connector, reason):
        tell(event="failed", why=str(reason))
        reactor.stop()


def finish():
    tell(event="left", connections=len(port._connections))
    reactor.stop()


port = ptcp.PTCP(Ends() if ROLE == "server" else None)
# Without a factory Vertex closes its socket with the last connection; it is to tell what is left first.
port._stop = lambda result=None: None
listening = reactor.listenUDP(PORT if ROLE == "server" else 0, port, interface="127.0.0.1")
if ROLE == "client":
    port.connect(Ends(), "127.0.0.1", PORT)
else:
    tell(event="listening")
reactor.run()
