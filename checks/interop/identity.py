#!/usr/bin/env python3
"""Signatures and ids by an implementation that shares no code with the core: OpenSSL's Ed25519, and this file.

    checks/interop/identity.py           checks that identity.txt is what it computes
    checks/interop/identity.py --write   writes it

It needs the package `cryptography`. The core's tests read identity.txt.
"""

import difflib
import hashlib
import pathlib
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

VECTORS = pathlib.Path(__file__).with_suffix(".txt")
HEAD = "# Keys, ids and signatures, made and checked by identity.py. A line is a kind, and names with their values.\n"

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P

BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


# Points of the curve, for the keys that are none or weak.


def recover_x(y):
    """An x for a y, or None where the curve has none."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return x if (x * x - square) % P == 0 else None


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    product = D * x1 * x2 * y1 * y2 % P
    return (
        (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P,
    )


def times(scalar, point):
    total = (0, 1)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def encodings(point):
    """All 32 bytes that are read as this point, also those that RFC 8032 forbids."""
    x, y = point
    for number in (y, y + P):
        for sign in (0, 1):
            if number < 2**255 and (x % 2 == sign or x == 0):
                yield (number | sign << 255).to_bytes(32, "little")


def small_order():
    """The eight points that times eight are nothing."""
    y = 2
    while True:
        x = recover_x(y)
        if x is not None:
            point = times(ORDER, (x, y))
            if times(4, point) != (0, 1):
                return [times(n, point) for n in range(8)]
        y += 1


def unreduced():
    """Bytes whose number is 2^255 - 19 or more, and that are read as a point of large order."""
    for y in range(19):
        x = recover_x(y)
        if x is not None and times(8, (x, y)) != (0, 1):
            points = ((x, y), (P - x, y))
            encoded = (encoding for point in points for encoding in encodings(point))
            yield from (encoding for encoding in encoded if encoding[31] & 0x7F == 0x7F)


# What is signed.


def pick(*what):
    """A number that looks random."""
    return int.from_bytes(hashlib.sha256(repr(what).encode()).digest()[:8], "big")


def key(n):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"vector %d" % n).digest())


def public(signing):
    return signing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def secret(n):
    return hashlib.sha256(b"vector %d" % n).hexdigest()


def node_id(number):
    return "".join(BASE32[number >> shift & 31] for shift in range(60, -1, -5))


def own_id(public_key):
    return max(1, int.from_bytes(hashlib.sha512(b"gossip 1 node id" + public_key).digest()[:8], "big"))


def claim(cluster, node, said):
    address = bytes(10) + b"\xff\xff" + said["ip"] if len(said["ip"]) == 4 else said["ip"]
    return (
        b"gossip 1 claim.."
        + struct.pack(">QQIII?", cluster, node, *(said[part] for part in ("epoch", "refutation", "state", "left")))
        + address
        + struct.pack(">H", said["port"])
        + bytes(said[part] for part in ("region", "zone", "rack"))
        + bytes([said["min"] << 4 | said["max"], said["health"], said["pause"]])
    )


def accusation(cluster, target, epoch, refutation, accuser):
    return b"gossip 1 accused" + struct.pack(">QQIIQ", cluster, target, epoch, refutation, accuser)


def certificate(cluster, node, node_key, last_epoch):
    return b"gossip 1 certify" + struct.pack(">QQ", cluster, node) + node_key + struct.pack(">I", last_epoch)


def line(kind, **values):
    return " ".join([kind, *(f"{name}={value}" for name, value in values.items())])


def made(n):
    """What the owner of the n-th claim says."""
    return {
        "epoch": pick("epoch", n) % 2**31,
        "refutation": pick("refutation", n) % 300,
        "state": pick("state", n) % 70_000,
        "left": n % 3 == 2,
        "ip": hashlib.sha256(b"ip %d" % n).digest()[: 16 if n % 4 == 1 else 4],
        "port": 1 + pick("port", n) % 65_535,
        "region": pick("region", n) % 256,
        "zone": pick("zone", n) % 256,
        "rack": pick("rack", n) % 256,
        "min": 1,
        "max": 1 + pick("max", n) % 15,
        "health": n % 3,
        "pause": pick("pause", n) % 256,
    }


def claims():
    for n in range(12):
        signing, cluster, node, said = key(n % 4), pick("cluster", n), own_id(public(key(n % 4))), made(n)
        signature = signing.sign(claim(cluster, node, said))
        said["ip"] = said["ip"].hex()
        said["left"] = int(said["left"])
        where = {"secret": secret(n % 4), "cluster": f"{cluster:016x}", "id": node_id(node)}
        yield line("claim", **where, **said, signature=signature.hex())
        # The same signature in a form that is not reduced: RFC 8032 forbids it.
        longer = int.from_bytes(signature[32:], "little") + ORDER
        malleable = signature[:32] + longer.to_bytes(32, "little")
        yield line("forged", **where, **said, signature=malleable.hex())


def accusations():
    for n in range(4):
        cluster, target, accuser = pick("cluster", n), pick("target", n), own_id(public(key(n)))
        epoch, refutation = pick("epoch", n) % 2**31, pick("refutation", n) % 300
        signature = key(n).sign(accusation(cluster, target, epoch, refutation, accuser))
        where = {"secret": secret(n), "cluster": f"{cluster:016x}", "target": node_id(target)}
        at = {"epoch": epoch, "refutation": refutation, "accuser": node_id(accuser)}
        yield line("accusation", **where, **at, signature=signature.hex())


def certificates():
    for n in range(4):
        cluster, node, node_key = pick("cluster", n), pick("node", n), public(key(n + 1))
        last = pick("last", n) % 2**32
        signature = key(n).sign(certificate(cluster, node, node_key, last))
        written = struct.pack(">QQ", cluster, node) + node_key + struct.pack(">I", last) + signature
        who = {"secret": secret(n), "cluster": f"{cluster:016x}", "id": node_id(node)}
        text = "gossip-certificate-1-" + written.hex()
        yield line("certificate", **who, public=node_key.hex(), last=last, text=text)


def vectors():
    for n in range(5):
        node_key = public(key(n))
        yield line("key", secret=secret(n), public=node_key.hex(), id=node_id(own_id(node_key)))
    for point in small_order():
        yield from (line("weak", public=encoding.hex()) for encoding in encodings(point))
    yield from (line("none", public=encoding.hex()) for encoding in unreduced())
    yield from claims()
    yield from accusations()
    yield from certificates()


def refuses_longer_signatures():
    """OpenSSL, too, refuses a signature that is not reduced."""
    signature = key(0).sign(b"text")
    longer = int.from_bytes(signature[32:], "little") + ORDER
    try:
        Ed25519PublicKey.from_public_bytes(public(key(0))).verify(
            signature[:32] + longer.to_bytes(32, "little"), b"text"
        )
    except InvalidSignature:
        return True
    return False


def main():
    text = HEAD + "".join(f"{vector}\n" for vector in vectors())
    if sys.argv[1:] == ["--write"]:
        VECTORS.write_text(text)
        print(f"{VECTORS.name}: {text.count(chr(10)) - 1} vectors written")
        return 0
    if sys.argv[1:]:
        print(__doc__)
        return 2
    kept = VECTORS.read_text()
    differences = list(difflib.unified_diff(kept.splitlines(), text.splitlines(), VECTORS.name, "computed", lineterm=""))
    print("\n".join(differences) or f"{VECTORS.name}: {text.count(chr(10)) - 1} vectors are as computed")
    return 1 if differences or not refuses_longer_signatures() else 0


if __name__ == "__main__":
    sys.exit(main())
