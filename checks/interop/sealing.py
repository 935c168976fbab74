"""Sealed datagrams, by section 22 of PROTOCOL.md: a second implementation, for checks of the first.

ChaCha20-Poly1305 comes from the library `cryptography`; HChaCha20 and SipHash are below. Neither is quick nor in constant
time: this is no library to protect anything with.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

VERSION = 1
HEADER, HEDGE, FINGERPRINT, TAG = 22, 8, 8, 16
# What sealing adds to a body, which begins with the fingerprint.
OVERHEAD = HEADER + HEDGE + TAG
MAX_DATAGRAM = 1200
# The highest epoch, refutation and state version.
MAX_COUNT = 2**32 - 1 - 2**16
ANYBODY = 0x80


# Primitives.


def siphash(compressions: int, finalizations: int, k0: int, k1: int, data: bytes) -> int:
    """SipHash with so many rounds for each word and at the end."""
    mask = 2**64 - 1
    v0, v1 = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D
    v2, v3 = k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573

    def rotated(x: int, by: int) -> int:
        return (x << by | x >> (64 - by)) & mask

    def rounds(n: int) -> None:
        nonlocal v0, v1, v2, v3
        for _ in range(n):
            v0 = (v0 + v1) & mask
            v1 = rotated(v1, 13) ^ v0
            v0 = rotated(v0, 32)
            v2 = (v2 + v3) & mask
            v3 = rotated(v3, 16) ^ v2
            v0 = (v0 + v3) & mask
            v3 = rotated(v3, 21) ^ v0
            v2 = (v2 + v1) & mask
            v1 = rotated(v1, 17) ^ v2
            v2 = rotated(v2, 32)

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) % 256])
    for (word,) in struct.iter_unpack("<Q", padded):
        v3 ^= word
        rounds(compressions)
        v0 ^= word
    v2 ^= 0xFF
    rounds(finalizations)
    return v0 ^ v1 ^ v2 ^ v3


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """32 bytes of a key of 32 and a nonce of 16."""
    mask = 2**32 - 1
    s = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a: int, b: int, c: int, d: int) -> None:
        for x, y, z, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & mask
            mixed = s[z] ^ s[x]
            s[z] = (mixed << by | mixed >> (32 - by)) & mask

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *s[:4], *s[12:])


def xchacha20poly1305(key: bytes, nonce: bytes) -> tuple[ChaCha20Poly1305, bytes]:
    """The cipher of a key and a nonce of 24 bytes, and the nonce to use it with."""
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])), bytes(4) + nonce[16:]


# Names (section 2).


def sip(k0: int, k1: int, data: bytes) -> int:
    return siphash(1, 3, k0, k1, data)


def id_of(name: str) -> int:
    return sip(0, 0, name.encode()) or 1


def cluster_tag(cluster: str) -> int:
    return sip(0, 1, cluster.encode()) & 0xFFFFFFFF


def cluster_key(cluster: str) -> int:
    return sip(0, 2, cluster.encode())


# Keys.


class Key:
    PREFIX = "gossip-key-1-"

    def __init__(self, text: str) -> None:
        digits = text.removeprefix(self.PREFIX)
        if digits == text or len(digits) != 64:
            raise ValueError("a key is written gossip-key-1- and 64 hexadecimal digits")
        key = bytes.fromhex(digits)
        self.text = text
        self.id = hchacha20(key, b"gossip 1 key id.")[0] % 127 + 1
        self.sealing = hchacha20(key, b"gossip 1 sealing")
        self.hedging = hchacha20(key, b"gossip 1 hedging")[:16]

    def hedge(self, data: bytes) -> bytes:
        return struct.pack(">Q", siphash(2, 4, *struct.unpack("<QQ", self.hedging), data))


# Datagrams.


class Refused(Exception):
    """Why a datagram is dropped, in one word."""


class Header(NamedTuple):
    key: int
    anybody: bool
    cluster: int
    sender: int
    epoch: int
    counter: int


class Opened(NamedTuple):
    header: Header
    key: Key
    body: bytes


def seal(key: Key, cluster: int, sender: int, epoch: int, counter: int, receiver: int | None, body: bytes) -> bytes:
    """`body` for a receiver, or for whoever is at the address."""
    anybody = ANYBODY if receiver is None else 0
    header = struct.pack(">BBIQII", VERSION, key.id | anybody, cluster, sender, epoch, counter)
    associated = header + struct.pack(">Q", receiver or 0)
    hedge = key.hedge(associated + body)
    cipher, nonce = xchacha20poly1305(key.sealing, header[6:] + hedge)
    return header + hedge + cipher.encrypt(nonce, body, associated)


def read_header(datagram: bytes, cluster: int) -> Header:
    """The header of a datagram that could be a sealed one of this cluster, in the order of checks."""
    if not HEADER <= len(datagram) <= MAX_DATAGRAM:
        raise Refused("malformed")
    version, key, tag, sender, epoch, counter = struct.unpack(">BBIQII", datagram[:HEADER])
    if version != VERSION:
        raise Refused("version")
    if key == 0:
        raise Refused("clear")
    if len(datagram) < OVERHEAD + FINGERPRINT:
        raise Refused("malformed")
    if tag != cluster:
        raise Refused("cluster")
    if epoch > MAX_COUNT or key == ANYBODY or sender == 0:
        raise Refused("malformed")
    return Header(key & 0x7F, key & ANYBODY != 0, tag, sender, epoch, counter)


def decrypt(header: Header, keys: list[Key], own_id: int, datagram: bytes) -> Opened:
    key = next((key for key in keys if key.id == header.key), None)
    if key is None:
        raise Refused("unknown-key")
    associated = datagram[:HEADER] + struct.pack(">Q", 0 if header.anybody else own_id)
    cipher, nonce = xchacha20poly1305(key.sealing, datagram[6 : HEADER + HEDGE])
    try:
        return Opened(header, key, cipher.decrypt(nonce, datagram[HEADER + HEDGE :], associated))
    except InvalidTag:
        raise Refused("forged") from None


def open_datagram(keys: list[Key], cluster: int, own_id: int, datagram: bytes) -> Opened:
    return decrypt(read_header(datagram, cluster), keys, own_id, datagram)


# Freshness.


class Window:
    """Which datagrams of one member were heard."""

    SIZE = 64

    def __init__(self) -> None:
        self.epoch: int | None = None
        # What was heard of the epoch of its record is lost, since a proof of another one came.
        self.astray = False
        self.highest = 0
        # Bit n is the counter that is n below the highest.
        self.heard = 0

    def verdict(self, record_epoch: int, epoch: int, counter: int) -> str:
        """`fresh`, `replay` or `unproven`, where the sender's record here has `record_epoch`."""
        if epoch != record_epoch:
            return "unproven"
        if epoch != self.epoch:
            return "unproven" if self.astray else "fresh"
        below = self.highest - counter
        if below < 0:
            return "fresh"
        if below >= self.SIZE:
            return "unproven"
        return "replay" if self.heard >> below & 1 else "fresh"

    def note(self, epoch: int, counter: int) -> None:
        """A fresh datagram has opened."""
        self.astray = False
        if epoch != self.epoch:
            self.epoch, self.highest, self.heard = epoch, counter, 1
        elif counter > self.highest:
            self.heard = (self.heard << (counter - self.highest) | 1) & (2**self.SIZE - 1)
            self.highest = counter
        else:
            self.heard |= 1 << (self.highest - counter)

    def prove(self, record_epoch: int, epoch: int, counter: int) -> None:
        """An unproven datagram has shown that its sender speaks now."""
        self.epoch, self.highest, self.heard = epoch, counter, 1
        self.astray = epoch != record_epoch
