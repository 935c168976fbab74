#!/usr/bin/env python3
"""Checks sealing.txt, which a test of the core reads, too; with --write, writes it."""

from __future__ import annotations

import hashlib
import struct
import sys
from pathlib import Path

from sealing import (
    ANYBODY,
    HEADER,
    HEDGE,
    MAX_COUNT,
    Key,
    Refused,
    Window,
    cluster_tag,
    hchacha20,
    id_of,
    open_datagram,
    seal,
    siphash,
)

FILE = Path(__file__).with_name("sealing.txt")
HEAD = """\
# What sealing makes of what, by section 22 of PROTOCOL.md. checks/interop/vectors.py writes and checks this file, and shares no
# code with the core, which is tested against it. Ids and bytes are hexadecimal, counts decimal; a receiver of 0 is anybody.
#
# key      the key, its id, the key of XChaCha20-Poly1305, that of the hedge
# sealed   key, cluster tag, sender, epoch, counter, receiver; body; datagram
# refused  why (version, cluster, clear, malformed, unknown-key, forged), receiver; datagram. All of the keys are had.
# window   nothing was heard of a member
# hears    epoch of its record; epoch and counter of a datagram; what it is. What is fresh is noted then.
# proves   the same of an unproven datagram that shows that its sender speaks now
"""
KEYS = [
    Key(Key.PREFIX + digits)
    for digits in (
        "08" + "01" * 31,
        "00" * 31 + "01",
        "ff" * 31 + "fe",
        hashlib.sha256(b"the fourth key").hexdigest(),
    )
]
CLUSTER, EPOCH = cluster_tag("prod"), 1_700_000_000
SENDER, RECEIVER, OTHER = id_of("db-1"), id_of("db-2"), id_of("db-3")
BODIES = (8, 23, 200, 1146)


def known_answers() -> None:
    """Of those who specified the primitives that are written here: the draft on XChaCha, section 2.2.1, and the paper on SipHash."""
    nonce = bytes.fromhex("000000090000004a0000000031415927")
    answer = "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"
    require(hchacha20(bytes(range(32)), nonce).hex() == answer, "HChaCha20")
    halves = struct.unpack("<QQ", bytes(range(16)))
    require(siphash(2, 4, *halves, bytes(range(15))) == 0xA129CA6149BE45E5, "SipHash-2-4")


def filler(length: int, what: str) -> bytes:
    """Bytes that look like nothing, and are the same in each run."""
    return b"".join(hashlib.sha256(f"{what} {n}".encode()).digest() for n in range(length // 32 + 1))[:length]


def sealed_line(key: Key, sender: int, epoch: int, counter: int, receiver: int, body: bytes) -> str:
    datagram = seal(key, CLUSTER, sender, epoch, counter, receiver or None, body)
    head = f"sealed {key.id:02x} {CLUSTER:08x} {sender:016x} {epoch} {counter} {receiver:016x}"
    return f"{head} {body.hex()} {datagram.hex()}"


def sealed_lines() -> list[str]:
    lines = [sealed_line(KEYS[0], SENDER, EPOCH, 1, RECEIVER, b"\x11" * 23)]
    epochs, counters = (EPOCH, 0, MAX_COUNT, 1), (1, 2, 2**16 + 1, 2**32 - 1)
    for k, key in enumerate(KEYS):
        for b, length in enumerate(BODIES):
            receiver = (RECEIVER, 0, 1, 2**64 - 1)[(k + b) % 4]
            sender = (SENDER, OTHER)[b % 2]
            epoch, counter = epochs[k], counters[(k + b) % 4]
            lines.append(sealed_line(key, sender, epoch, counter, receiver, filler(length, f"{k} {b}")))
    # In clones one counter comes twice: with another text it has another nonce.
    lines += [sealed_line(KEYS[0], SENDER, EPOCH, 1, RECEIVER, b"\x11" * 22 + b"\x12")]
    return lines


def refused_lines() -> list[str]:
    good = seal(KEYS[0], CLUSTER, SENDER, EPOCH, 7, RECEIVER, filler(40, "good"))
    lines = []

    def refused(why: str, datagram: bytes, receiver: int = RECEIVER) -> None:
        lines.append(f"refused {why} {receiver:016x} {datagram.hex()}")

    def changed(at: int, to: bytes) -> bytes:
        return good[:at] + to + good[at + len(to) :]

    refused("version", changed(0, b"\x02"))
    refused("clear", changed(1, b"\x00"))
    refused("cluster", changed(2, struct.pack(">I", CLUSTER ^ 1)))
    refused("malformed", changed(1, bytes([ANYBODY])))
    refused("malformed", changed(6, bytes(8)))
    refused("malformed", changed(14, struct.pack(">I", MAX_COUNT + 1)))
    refused("malformed", good[: HEADER + HEDGE + 8 + 15])
    unknown = next(id for id in range(1, 128) if all(key.id != id for key in KEYS))
    refused("unknown-key", changed(1, bytes([unknown])))
    refused("forged", changed(1, bytes([KEYS[1].id])))
    refused("forged", changed(1, bytes([KEYS[0].id | ANYBODY])))
    # A bit of the sender, the epoch, the counter, the hedge, the body and the tag.
    for at in (13, 17, 21, 22, 29, 30, HEADER + HEDGE + 39, HEADER + HEDGE + 40, len(good) - 1):
        for bit in (1, 0x80):
            refused("forged", changed(at, bytes([good[at] ^ bit])))
    refused("forged", good[:-1])
    refused("forged", good + b"\x00")
    refused("forged", good, OTHER)
    anybody = seal(KEYS[0], CLUSTER, SENDER, EPOCH, 7, None, filler(40, "good"))
    refused("forged", bytes([anybody[0], anybody[1] & ~ANYBODY]) + anybody[2:])
    # XChaCha20-Poly1305 under the key itself, and without the receiver.
    imitation = Key(KEYS[0].text)
    imitation.sealing = bytes.fromhex(KEYS[0].text.removeprefix(Key.PREFIX))
    refused("forged", seal(imitation, CLUSTER, SENDER, EPOCH, 7, RECEIVER, filler(40, "good")))
    return lines


def window_lines() -> list[str]:
    window, lines = Window(), []

    def begin() -> None:
        nonlocal window
        window = Window()
        lines.append("window")

    def hears(counter: int, epoch: int = EPOCH, record: int = EPOCH) -> None:
        verdict = window.verdict(record, epoch, counter)
        lines.append(f"hears {record} {epoch} {counter} {verdict}")
        if verdict == "fresh":
            window.note(epoch, counter)

    def proves(counter: int, epoch: int = EPOCH, record: int = EPOCH) -> None:
        window.prove(record, epoch, counter)
        lines.append(f"proves {record} {epoch} {counter}")

    begin()
    for counter in (100, 100, 99, 37, 36, 37, 101, 38, 37, 100, 300, 237, 236, 299, 2**32 - 1, 2**32 - 1, 300):
        hears(counter)
    begin()
    for counter in (0, 0, 63, 0, 64, 0, 63, 127, 64, 128, 64):
        hears(counter)
    # Another epoch is unproven until the record has it; then nothing was heard in it.
    begin()
    for epoch, record in (
        (EPOCH, EPOCH),
        (EPOCH + 1, EPOCH),
        (EPOCH - 1, EPOCH),
        (EPOCH + 2**16, EPOCH),
        (EPOCH + 1, EPOCH + 1),
        (EPOCH + 1, EPOCH + 1),
        (EPOCH, EPOCH + 1),
    ):
        hears(5, epoch, record)
    # A counter that was far ahead, as that of a clone, is set back by a proof; what is below it was not heard then.
    begin()
    hears(2**32 - 1)
    hears(8)
    proves(8)
    for counter in (8, 9, 9, 7, 7):
        hears(counter)
    # A proof of another epoch makes nothing fresh that was heard in that of the record.
    for other in (EPOCH + 1, EPOCH - 1):
        begin()
        hears(5)
        proves(1, other)
        hears(5)
        hears(6)
        hears(1, other, other)
        hears(2, other, other)
        proves(7)
        hears(7)
        hears(8)
    return lines


def check(lines: list[str]) -> None:
    """That each datagram opens, or is refused for its reason."""
    opened = causes = 0
    for line in lines:
        word, *fields = line.split()
        if word == "sealed":
            header_fields, body, datagram = fields[:6], fields[6], bytes.fromhex(fields[7])
            found = open_datagram(KEYS, CLUSTER, int(header_fields[5], 16) or OTHER, datagram)
            header = found.header
            seen = f"{header.key:02x} {header.cluster:08x} {header.sender:016x} {header.epoch} {header.counter}"
            require(seen.split() == header_fields[:5] and found.body.hex() == body, line)
            opened += 1
        elif word == "refused":
            try:
                open_datagram(KEYS, CLUSTER, int(fields[1], 16), bytes.fromhex(fields[2]))
            except Refused as refused:
                require(str(refused) == fields[0], line)
                causes += 1
            else:
                raise SystemExit(f"opened: {line}")
    print(f"{opened} datagrams open, and {causes} are refused.")


def require(condition: bool, what: str) -> None:
    """As `assert`, which can be switched off."""
    if not condition:
        raise SystemExit(f"wrong: {what}")


def main() -> None:
    require(len({key.id for key in KEYS}) == len(KEYS), "two keys have one id")
    known_answers()
    keys = [f"key {key.text} {key.id:02x} {key.sealing.hex()} {key.hedging.hex()}" for key in KEYS]
    lines = keys + sealed_lines() + refused_lines() + window_lines()
    check(lines)
    text = HEAD + "".join(f"{line}\n" for line in lines)
    if sys.argv[1:] == ["--write"]:
        FILE.write_text(text)
    elif sys.argv[1:]:
        raise SystemExit(__doc__)
    else:
        require(FILE.read_text() == text, f"{FILE.name} has other lines: look at them, or write it anew with --write")


if __name__ == "__main__":
    main()
