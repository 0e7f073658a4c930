"""What a router of the readable network model holds (noc_reference.py)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass
class Branch:
    """One output that the packet at the front of an input VC goes to."""

    classes: int  # 0: on its way round a ring it does not cross the dateline, 1: it does, 2: leaves the network
    vc: int = -1
    sent: int = 0


@dataclass
class InputVc:
    """One virtual channel of a router's input, and the packet at its front."""

    flits: deque = field(default_factory=deque)  # packet of each flit in the buffer
    arrived: deque = field(default_factory=deque)  # when
    packet: int = -1  # the packet whose route is known; -1: none
    ready: int = 0
    branches: dict[int, Branch] = field(default_factory=dict)
    popped: int = 0  # flits of the packet that have left the buffer


class RouterState:
    """One router: its input VCs, the state of its output VCs, and the pointers of its round-robin arbiters."""

    def __init__(self, ports: int, vcs: int, depth: int, speedup: int) -> None:
        self.inputs = [[InputVc() for _ in range(vcs)] for _ in range(ports)]
        self.owner = [[False] * vcs for _ in range(ports)]  # of each output VC
        self.credits = [[depth] * vcs for _ in range(ports)]
        self.link_free = [0] * ports
        self.vc_grant = [[0] * vcs for _ in range(ports)]  # round-robin pointers
        self.vc_accept = [[0] * vcs for _ in range(ports)]
        self.switch_grant = [0] * ports
        self.switch_accept = [0] * (ports * speedup)
        self.group_next = [group % speedup for group in range(ports * speedup)]


@dataclass
class Queue:
    """Packets that wait outside the network, in one traffic class of a source."""

    packets: deque = field(default_factory=deque)
    vc: int = -1
    last_vc: int = -1
    sent: int = 0


@dataclass
class Source:
    """Where a core's packets enter: its queues and the VCs of the router's input as seen from here."""

    queues: list[Queue]
    owner: list[bool]
    credits: list[int]
    last_class: int = 0
