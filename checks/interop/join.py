#!/usr/bin/env python3
"""Two members written in Python join a sealed cluster of three agents, stay for 20 s, and leave.

    join.py GOSSIP

GOSSIP is the program. One member has the agents' keys; the other lacks the one that they seal with. Both must be alive to
all agents for as long as they stay, and have left afterwards. What one changes, repeats or seals with another key, an agent
must refuse, and count as what it is; what an agent said is not heard a second time.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

from member import ACK, CHALLENGE, Member
from sealing import ANYBODY, Key, id_of

CLUSTER = "interop"
HOST = "127.0.0.1"
PORTS = {"agent-1": 27941, "agent-2": 27942, "agent-3": 27943, "python-1": 27944, "python-2": 27945}
STAYS = 20.0
FIRST, SECOND = (Key(f"{Key.PREFIX}{secret:02x}" + "5a" * 31) for secret in (1, 2))


def main(gossip: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        agents: list[Agent] = []
        members: list[Member] = []
        try:
            for name in ("agent-1", "agent-2", "agent-3"):
                agents.append(Agent(gossip, Path(scratch), name))
            until("the agents know each other", lambda: all(len(agent.members()) == 3 for agent in agents))
            for name, keys in (("python-1", [FIRST, SECOND]), ("python-2", [SECOND])):
                members.append(Member(name, CLUSTER, keys, (HOST, PORTS[name])))
            story(agents, members)
        except BaseException:
            for agent in agents:
                print(f"--- {agent.name}\n{agent.log.read_text()}", file=sys.stderr)
            raise
        finally:
            for member in members:
                member.close()
            for agent in agents:
                agent.stop()


def story(agents: list[Agent], members: list[Member]) -> None:
    seed = agents[0]
    for member in members:

        def joined() -> bool:
            member.joined or member.join(seed.address)
            return member.joined

        until("a member is let in", joined, every=0.5)
    names = {"python-1", "python-2"}
    until("all agents know the members", lambda: all(names <= agent.members().keys() for agent in agents))
    until("the members know all", lambda: all(len(member.live()) == 4 for member in members))
    print("Both members have joined.")

    begun = time.monotonic()
    refusals(seed, members[0])
    windows(seed, members[0])
    hears_nothing_twice(seed, members[0])
    while time.monotonic() < begun + STAYS:
        for agent in agents:
            now = {name: status for name, status in agent.members().items() if name in names}
            require(now == dict.fromkeys(names, "alive"), f"{agent.name} has {now}")
        time.sleep(0.25)
    for member in members:
        acked = {member.pings[nonce] for nonce, tag in member.answers.items() if tag == ACK}
        require({agent.id for agent in agents} <= acked, "an agent acknowledged nothing")
        require(member.heard[1] > 20, f"only {member.heard[1]} pings came")
        others = {cause: n for cause, n in member.refused.items() if cause not in ("replay", "unknown-key")}
        require(not others, f"what agents sent was refused: {others}")
    require(members[0].refused["unknown-key"] == 0, "an agent sealed with a key that it does not have")
    require(members[1].refused["unknown-key"] > 0, "no agent tried its first key on who lacks that")
    print(f"They were alive to all agents for {STAYS:.0f} s.")

    for member in members:
        member.leave()
    for agent in agents:
        until(f"{agent.name} has them as left", lambda: all(agent.members()[name] == "left" for name in names))
    for member in members:
        until("all acknowledged", lambda: {agent.id for agent in agents} <= member.leave_acks)
    print("They have left.")


def refusals(agent: Agent, member: Member) -> None:
    """Each is refused by the agent, and counted as what it is."""
    to = member.records[agent.id]
    counts = agent.dropped()

    def refused(cause: str, number: int, what: str) -> None:
        expected = {**counts, cause: counts[cause] + number}
        until(f"{what} counts as {cause}, once each", lambda: agent.dropped() == expected, seen=agent.dropped)
        counts.update(expected)

    member.ping(to)
    with member.lock:
        again = member.last_ping[agent.id]
        sealed = member.sealed(to.id, b"")
        for _ in range(2):
            member.socket.sendto(again, to.address)
    refused("replayed", 2, "what is sent again")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind((HOST, 0))
        elsewhere.sendto(again, to.address)
    refused("replayed", 1, "what another sends again")

    # The last byte of each, but of the counter the first: it would be one that was heard, and a replay.
    bits = {"sender": 13, "epoch": 17, "counter": 18, "hedge": 29, "body": 37, "tag": len(sealed) - 1}
    for at in bits.values():
        changed = bytearray(sealed)
        changed[at] ^= 1
        member.socket.sendto(changed, to.address)
    refused("forged", len(bits), "what was changed by a bit")
    member.socket.sendto(member.sealed(id_of("agent-2"), b""), to.address)
    refused("forged", 1, "what was sealed for another")
    anybody = bytearray(sealed)
    anybody[1] ^= ANYBODY
    member.socket.sendto(anybody, to.address)
    refused("forged", 1, "what was sealed for this node, and pretends to be for anybody")
    imitation = Key(Key.PREFIX + "aa" * 32)
    imitation.id = FIRST.id
    member.socket.sendto(member.sealed(to.id, b"", key=imitation), to.address)
    refused("forged", 1, "what another key of the same id sealed")

    unknown = Key(Key.PREFIX + "aa" * 32)
    require(unknown.id not in (FIRST.id, SECOND.id), "the third key has an id of its own")
    member.socket.sendto(member.sealed(to.id, b"", key=unknown), to.address)
    refused("unknown_keys", 1, "what an unknown key sealed")
    clear = b"\x01\x00" + sealed[2:14] + bytes(8)
    member.socket.sendto(clear, to.address)
    refused("not_sealed", 1, "what is in the clear")
    # What was kept back is heard: it was not what was refused.
    member.socket.sendto(sealed, to.address)
    member.socket.sendto(sealed, to.address)
    refused("replayed", 1, "what was kept back, and is then sent twice,")
    print("What is changed, sent again or sealed otherwise was refused.")


def windows(agent: Agent, member: Member) -> None:
    """A ping is acknowledged if it is fresh, and challenged if it is unproven."""
    to = member.records[agent.id]
    # Nothing else is sent between these, and what follows has higher counters.
    with member.lock:
        base, epoch = member.counter, member.own.epoch
        member.counter += 200
        cases = [
            ("a counter above the highest", ACK, {"counter": base + 150}),
            ("a counter 63 below the highest", ACK, {"counter": base + 87}),
            ("a counter 64 below the highest", CHALLENGE, {"counter": base + 86}),
            ("an epoch before", CHALLENGE, {"epoch": epoch - 1}),
            ("an epoch to come", CHALLENGE, {"epoch": epoch + 1}),
            ("the next counter", ACK, {}),
        ]
        nonces = [member.ping(to, **other) for _, _, other in cases]
    for (what, expected, _), nonce in zip(cases, nonces):
        until(f"{what} is answered", lambda: nonce in member.answers)
        require(member.answers[nonce] == expected, f"{what} is answered by a section {member.answers[nonce]}")
    print("Windows are as long as they should be.")


def hears_nothing_twice(agent: Agent, member: Member) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere, member.lock:
        elsewhere.bind((HOST, 0))
        replays = member.refused["replay"]
        elsewhere.sendto(member.last_heard[agent.id], member.own.address)
    until("the member refuses what it heard", lambda: member.refused["replay"] == replays + 1)


class Agent:
    def __init__(self, gossip: str, scratch: Path, name: str) -> None:
        self.name, self.id, self.address = name, id_of(name), (HOST, PORTS[name])
        self.gossip, self.control = gossip, scratch / f"{name}.sock"
        keys = scratch / f"{name}.keys"
        keys.touch(mode=0o600)
        keys.write_text(f"{FIRST.text}\n{SECOND.text}\n")
        command = [gossip, "run", "--name", name, "--cluster", CLUSTER, "--bind", f"{HOST}:{PORTS[name]}"]
        command += ["--preset", "local", "--keys", keys, "--control", self.control]
        if name != "agent-1":
            command += ["--join", f"{HOST}:{PORTS['agent-1']}"]
        self.log = scratch / f"{name}.log"
        # The environment could configure it otherwise.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("GOSSIP_")}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)
        until(f"{name} answers", self.control.exists)

    def ask(self, *command: str) -> str:
        command = (self.gossip, *command, "--control", str(self.control))
        return subprocess.run(command, check=True, capture_output=True, text=True, env=self.environment, timeout=10).stdout

    def members(self) -> dict[str, str]:
        """The statuses of the members that it knows, by name, or by id where it does not know that."""
        names = {readable(id_of(name)): name for name in PORTS}
        return {names[member["id"]]: member["status"] for member in json.loads(self.ask("members", "--json"))}

    def dropped(self) -> dict[str, int]:
        prefix = 'gossip_dropped_total{cause="'
        counts = {}
        for line in self.ask("metrics").splitlines():
            if line.startswith(prefix):
                cause, _, count = line.removeprefix(prefix).partition('"} ')
                counts[cause] = int(count)
        causes = ("malformed", "foreign", "unknown_keys", "forged", "replayed", "not_sealed")
        return {cause: counts[cause] for cause in causes}

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def readable(id: int) -> str:
    return "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[id >> shift & 31] for shift in range(60, -1, -5))


def until(what: str, condition: Callable[[], bool], every: float = 0.05, seen: Callable[[], object] | None = None) -> None:
    end = time.monotonic() + 10
    while not condition():
        require(time.monotonic() < end, f"in vain: {what}" + (f"; there was {seen()}" if seen else ""))
        time.sleep(every)


def require(condition: bool, otherwise: str) -> None:
    """As `assert`, which can be switched off."""
    if not condition:
        raise SystemExit(otherwise)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    # Whoever ends this ends the agents with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    main(sys.argv[1])
