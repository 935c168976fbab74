"""A member of a sealed cluster, by PROTOCOL.md: enough of it to join, stay and leave.

It joins through a seed, lets others introduce themselves, answers pings and pings in turn, merges records and refutes. It
keeps no state, relays nothing, accuses nobody, and repairs nothing; news of others has no age here.
"""

from __future__ import annotations

import collections
import ipaddress
import secrets
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass, replace

import sealing
from sealing import MAX_COUNT, Key, Refused, Window, sip

ALIVE, SUSPECT, DEAD, LEFT = range(4)
PING, ACK, PING_REQUEST, RELAYED_ACK, NACK, JOIN, CHALLENGE, WELCOME = range(1, 9)
LIMIT, RECORDS, ACCUSATIONS = 17, 32, 33
MESSAGES = {*range(1, 14), 18, 20, 61, 62}

Address = tuple[str, int]


class Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def rest(self) -> int:
        return len(self.data) - self.at

    def take(self, length: int) -> bytes:
        if self.rest() < length:
            raise Refused("malformed")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")

    def id(self) -> int:
        return self.number(8) or malformed()

    def count(self, value: int) -> int:
        return value if value <= MAX_COUNT else malformed()

    def leb(self) -> int:
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value if value < 2**32 and (byte or not shift) else malformed()
            shift += 7
            if shift > 28:
                raise Refused("malformed")


def malformed() -> int:
    raise Refused("malformed")


def leb(value: int) -> bytes:
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])


def section(tag: int, body: bytes) -> bytes:
    return struct.pack(">BH", tag, len(body)) + body


@dataclass(frozen=True)
class Record:
    id: int
    epoch: int
    address: Address
    refutation: int = 0
    status: int = ALIVE
    state_version: int = 0
    health: int = 0
    pause: int = 0
    # Region, zone, rack.
    locality: bytes = bytes(3)
    versions: int = 0x11

    def live(self) -> bool:
        return self.status in (ALIVE, SUSPECT)

    def packed_ip(self) -> bytes:
        return ipaddress.ip_address(self.address[0]).packed

    def write(self, age: int = 0) -> bytes:
        ip = self.packed_ip()
        standing = self.status | self.health << 2 | (len(ip) == 16) << 4
        return (
            struct.pack(">QIBB", self.id, self.epoch, standing, self.versions)
            + self.locality
            + struct.pack(">BH", self.pause, self.address[1])
            + ip
            + leb(self.refutation)
            + leb(self.state_version)
            + leb(age)
        )

    @staticmethod
    def read(reader: Reader) -> Record:
        id = reader.id()
        epoch = reader.count(reader.number(4))
        standing = reader.number(1)
        versions = reader.number(1)
        if standing >> 5 or standing >> 2 & 3 == 3 or not 1 <= versions >> 4 <= versions & 15:
            raise Refused("malformed")
        locality = reader.take(3)
        pause, port = reader.number(1), reader.number(2)
        ip = ipaddress.ip_address(reader.take(16 if standing & 16 else 4))
        refutation, state_version = reader.count(reader.leb()), reader.count(reader.leb())
        reader.leb()
        if port == 0 or ip.is_unspecified or ip.is_multicast:
            raise Refused("malformed")
        return Record(
            id, epoch, (str(ip), port), refutation, standing & 3, state_version, standing >> 2 & 3, pause, locality, versions
        )

    def merged(self, other: Record) -> Record:
        """The join of two orders, section 3."""

        def incarnation(r: Record) -> tuple:
            # An IPv4 address is mapped into IPv6; all of one cluster are of one family here.
            return r.epoch, r.refutation, r.status, r.packed_ip(), r.address[1], r.locality, r.versions

        def state(r: Record) -> tuple:
            return r.epoch, r.state_version, r.health, r.pause

        identity, owner = max(self, other, key=incarnation), max(self, other, key=state)
        if identity.epoch != owner.epoch:
            return identity
        return replace(identity, state_version=owner.state_version, health=owner.health, pause=owner.pause)


class Member:
    """One member, with a socket and a thread of its own."""

    def __init__(self, name: str, cluster: str, keys: list[Key], address: Address) -> None:
        self.id = sealing.id_of(name)
        self.cluster, self.cluster_key = sealing.cluster_tag(cluster), sealing.cluster_key(cluster)
        self.keys = keys
        self.say(Record(self.id, int(time.time()), address))
        self.counter = 0
        self.records: dict[int, Record] = {}
        self.windows: dict[int, Window] = collections.defaultdict(Window)
        self.heard_under: dict[int, Key] = {}
        self.tokens: dict[Address, int] = collections.defaultdict(lambda: secrets.randbelow(2**64 - 1) + 1)
        # What is asked and not answered yet: joins and pings, by their nonces. What answered pings, by their nonces.
        self.joins: set[int] = set()
        self.pings: dict[int, int] = {}
        self.answers: dict[int, int] = {}
        self.leave_nonce = self.nonce()
        self.leave_acks: set[int] = set()
        self.joined = False
        self.refutations = 0
        self.refused: collections.Counter[str] = collections.Counter()
        self.heard: collections.Counter[int] = collections.Counter()
        # The latest datagram taken from a member, and the latest ping sent to each.
        self.last_heard: dict[int, bytes] = {}
        self.last_ping: dict[int, bytes] = {}
        self.lock = threading.RLock()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.stopped = threading.Event()
        self.fault: BaseException | None = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.stopped.set()
        self.thread.join()
        self.socket.close()
        if self.fault is not None:
            raise self.fault

    def run(self) -> None:
        turn, due = 0, time.monotonic()
        try:
            while not self.stopped.is_set():
                if select.select([self.socket], [], [], 0.05)[0]:
                    self.hear(*self.socket.recvfrom(2048))
                if time.monotonic() >= due:
                    due, turn = time.monotonic() + 0.25, turn + 1
                    self.probe(turn)
        except BaseException as fault:
            self.fault = fault
            raise

    # Sending.

    @staticmethod
    def nonce() -> int:
        """Of a ping that belongs to no probe, and of a join."""
        return secrets.randbits(32) | 7

    def fingerprint(self) -> int:
        identities = states = 0
        for record in [*self.records.values(), self.own]:
            if record.live():
                head = struct.pack(">QI", record.id, record.epoch)
                identities += sip(self.cluster_key, 2, head + struct.pack(">I", record.refutation))
                states += sip(self.cluster_key, 3, head + struct.pack(">I", record.state_version))
        return (identities >> 32 & 0xFFFFFFFF) << 32 | states >> 32 & 0xFFFFFFFF

    def sealed(self, receiver: int | None, sections: bytes, **other: int | Key) -> bytes:
        """A datagram; `other` than by the rules are its key, epoch or counter."""
        if "counter" not in other:
            self.counter += 1
        key = self.heard_under.get(receiver or 0, self.keys[0])
        body = struct.pack(">Q", self.fingerprint()) + sections
        values = {"key": key, "epoch": self.own.epoch, "counter": self.counter, **other}
        return sealing.seal(values["key"], self.cluster, self.id, values["epoch"], values["counter"], receiver, body)

    def send(self, to: Address, receiver: int | None, sections: bytes, **other: int | Key) -> bytes:
        datagram = self.sealed(receiver, sections, **other)
        self.socket.sendto(datagram, to)
        return datagram

    def join_section(self, nonce: int, token: int) -> bytes:
        return section(JOIN, struct.pack(">IQ", nonce, token) + self.own_record())

    def own_record(self) -> bytes:
        return self.own.write(int(1000 * (time.monotonic() - self.since)))

    def say(self, own: Record) -> None:
        self.own, self.since = own, time.monotonic()

    def join(self, seed: Address) -> None:
        with self.lock:
            nonce = self.nonce()
            self.joins.add(nonce)
            self.send(seed, None, self.join_section(nonce, 0))

    def ping(self, to: Record, sections: bytes = b"", **other: int | Key) -> int:
        """The nonce of a ping; `answers` has the tag of what answered it."""
        with self.lock:
            nonce = self.nonce()
            self.pings[nonce] = to.id
            body = section(PING, struct.pack(">IQ", nonce, to.id)) + sections
            self.last_ping[to.id] = self.send(to.address, to.id, body, **other)
            return nonce

    def live(self) -> list[Record]:
        return [record for record in self.records.values() if record.live()]

    def probe(self, turn: int) -> None:
        """Pings the next live member; once it leaves, all of those that did not acknowledge that."""
        with self.lock:
            live = sorted(self.live(), key=lambda record: record.id)
            if self.own.status != LEFT:
                if live:
                    self.ping(live[turn % len(live)])
                return
            ping = section(RECORDS, self.own_record())
            for record in live:
                if record.id not in self.leave_acks:
                    message = section(PING, struct.pack(">IQ", self.leave_nonce, record.id))
                    self.send(record.address, record.id, message + ping)

    def leave(self) -> None:
        with self.lock:
            self.say(replace(self.own, status=LEFT))

    # Receiving.

    def hear(self, datagram: bytes, source: Address) -> None:
        with self.lock:
            try:
                self.take(datagram, source)
            except Refused as refused:
                self.refused[str(refused)] += 1

    def take(self, datagram: bytes, source: Address) -> None:
        header = sealing.read_header(datagram, self.cluster)
        sender = header.sender
        record, window = self.records.get(sender), self.windows[sender]
        verdict = "fresh" if record is None else window.verdict(record.epoch, header.epoch, header.counter)
        if verdict == "replay":
            raise Refused("replay")
        opened = sealing.decrypt(header, self.keys, self.id, datagram)
        if record is not None and verdict == "fresh":
            window.note(header.epoch, header.counter)
        sections = self.read_sections(opened.body)
        messages = [(tag, Reader(body)) for tag, body in sections if tag in MESSAGES]
        if len(messages) > 1 or len(sections) > 16 or (header.anybody and [tag for tag, _ in messages] != [JOIN]):
            raise Refused("malformed")
        tag, message = messages[0] if messages else (None, Reader(b""))
        nonce = message.number(4) if message.rest() else None
        news = self.read_news(sections)
        if sender == self.id:
            raise Refused("own-id")

        if verdict == "unproven":
            if self.proves(tag, nonce, message, source):
                window.prove(record.epoch, header.epoch, header.counter)
            else:
                record = None
        if record is not None:
            self.heard_under[sender] = opened.key
            self.last_heard[sender] = datagram
            self.merge(news)
        self.heard[tag or 0] += 1
        limit = b"".join(section(LIMIT, body) for tag, body in sections if tag == LIMIT)

        def answer(message: bytes) -> None:
            self.send(source, sender, message, key=opened.key)

        if tag == JOIN:
            token, joiner = message.number(8), Record.read(message)
            self.let_in(nonce, token, joiner, source, answer)
        elif tag == CHALLENGE:
            self.challenged(sender, record, nonce, message.number(8), source, answer)
        elif tag == WELCOME and nonce in self.joins:
            self.joined = True
            self.merge(news)
        elif tag == PING:
            target = message.id()
            if target == self.id and record is not None and source == record.address:
                answer(section(ACK, struct.pack(">I", nonce)) + limit + self.rumors())
            elif target == self.id:
                answer(section(CHALLENGE, struct.pack(">IQ", nonce, self.tokens[source])))
        elif tag == PING_REQUEST and record is not None and source == record.address:
            answer(section(NACK, struct.pack(">I", nonce)) + limit)
        elif tag == ACK:
            if self.pings.get(nonce) == sender:
                self.answers[nonce] = ACK
            if nonce == self.leave_nonce:
                self.leave_acks.add(sender)
        elif tag is None and record is None:
            answer(section(CHALLENGE, struct.pack(">IQ", 0, self.tokens[source])))

    @staticmethod
    def read_sections(body: bytes) -> list[tuple[int, bytes]]:
        reader = Reader(body)
        reader.take(sealing.FINGERPRINT)
        sections = []
        while reader.rest():
            tag, length = reader.number(1), reader.number(2)
            sections.append((tag, reader.take(length)))
        return sections

    def read_news(self, sections: list[tuple[int, bytes]]) -> list[Record]:
        """Records, and accusations of this node, as Suspect records of it."""
        news = []
        for tag, body in sections:
            reader = Reader(body)
            while tag == RECORDS and reader.rest():
                news.append(Record.read(reader))
            while tag == ACCUSATIONS and reader.rest():
                target, epoch, refutation = reader.id(), reader.count(reader.number(4)), reader.count(reader.leb())
                reader.id()
                if target == self.id:
                    news.append(replace(self.own, epoch=epoch, refutation=refutation, status=SUSPECT))
        return news

    def proves(self, tag: int | None, nonce: int | None, message: Reader, source: Address) -> bool:
        """Whether an unproven datagram shows that its sender speaks now."""
        if tag == JOIN:
            token = int.from_bytes(message.data[4:12], "big")
            return self.tokens.get(source) == token
        answered = nonce in self.pings and nonce not in self.answers or nonce == self.leave_nonce
        return (tag in (ACK, CHALLENGE) and answered) or (tag in (CHALLENGE, WELCOME) and nonce in self.joins)

    def challenged(self, sender, record, nonce, token, source, answer) -> None:
        if nonce in self.joins:
            answer(self.join_section(nonce, token))
            return
        pinged = self.pings.get(nonce) == sender
        if pinged:
            self.answers[nonce] = CHALLENGE
        if pinged or (record is not None and source == record.address):
            answer(self.join_section(0, token))

    def let_in(self, nonce, token, joiner, source, answer) -> None:
        if self.tokens.get(joiner.address) != token:
            answer(section(CHALLENGE, struct.pack(">IQ", nonce, self.tokens[source])))
            return
        self.merge([joiner])
        known = self.records[joiner.id]
        differs = section(RECORDS, known.write()) if known != joiner else b""
        if nonce:
            members = struct.pack(">II", nonce, len(self.live()) + 1)
            answer(section(WELCOME, members) + section(RECORDS, self.own_record()) + differs)
        elif differs:
            answer(differs)

    def rumors(self) -> bytes:
        return section(RECORDS, self.own_record()) if self.refutations else b""

    def merge(self, news: list[Record]) -> None:
        for record in news:
            if record.id != self.id:
                known = self.records.get(record.id)
                self.records[record.id] = record if known is None else known.merged(record)
                if known is None and record.live():
                    # At once, so that it hears under which key this member can be reached.
                    self.ping(record)
                continue
            own = self.own
            if record.epoch > own.epoch:
                self.say(replace(own, epoch=record.epoch + 1, refutation=0))
            elif record.epoch < own.epoch or (record.refutation, record.status) <= (own.refutation, own.status):
                continue
            else:
                self.say(replace(own, refutation=record.refutation + 1))
            self.refutations += 1
            for other in self.live():
                self.send(other.address, other.id, section(RECORDS, self.own_record()))
