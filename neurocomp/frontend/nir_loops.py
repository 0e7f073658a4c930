"""Which edges of a graph close a loop, and in what order its nodes can be worked off."""

from __future__ import annotations

from collections.abc import Iterator

Edge = tuple[str, str]


def closing_edges(nodes: list[str], edges: list[Edge], starts: list[str]) -> set[Edge]:
    """Edges that lead back to a node on the way that led to them, walking depth-first from ``starts``.

    Without them the graph has no loops. The result depends on names, not on the order of nodes or edges.
    """
    walk = _walk(_starts(nodes, starts), _neighbours(nodes, edges))
    return {(a, b) for a, b, closes in walk if closes and b is not None}


def late_edges(
    nodes: list[str], edges: list[Edge], starts: list[str], linear: set[str]
) -> tuple[set[Edge], list[Edge]]:
    """The edges that get one step of delay, and those that close a loop, for which they stand.

    In neurons -> weights -> neurons it is the one into the weights, because their bias acts from the first step on.
    linear: the nodes that hold weights or only pass on.
    """
    closing = sorted(closing_edges(nodes, edges, starts))
    before: dict[str, list[str]] = {node: [] for node in nodes}
    after: dict[str, int] = dict.fromkeys(nodes, 0)
    for a, b in edges:
        before[b].append(a)
        after[a] += 1
    late = set()
    for edge in closing:
        seen: set[str] = set()
        while (weights := edge[0]) in linear and weights not in seen:
            seen.add(weights)
            if len(before[weights]) != 1 or after[weights] != 1:
                break
            edge = (before[weights][0], weights)
        late.add(edge)
    return late, closing


def forward_order(nodes: list[str], edges: list[Edge], starts: list[str]) -> list[str]:
    """Nodes in an order in which every edge that closes no loop points forward."""
    left = [a for a, b, _ in _walk(_starts(nodes, starts), _neighbours(nodes, edges)) if b is None]
    return left[::-1]


def reached(edges: list[Edge], starts: list[str]) -> set[str]:
    """The nodes that edges lead to from ``starts``, these included."""
    nodes = sorted({*starts, *(node for edge in edges for node in edge)})
    neighbours = _neighbours(nodes, edges)
    found, waiting = set(starts), list(starts)
    while waiting:
        new = [node for node in neighbours[waiting.pop()] if node not in found]
        found.update(new)
        waiting += new
    return found


def _starts(nodes: list[str], starts: list[str]) -> list[str]:
    return sorted(starts) + sorted(set(nodes) - set(starts))


def _neighbours(nodes: list[str], edges: list[Edge]) -> dict[str, list[str]]:
    neighbours: dict[str, set[str]] = {node: set() for node in nodes}
    for a, b in edges:
        neighbours[a].add(b)
    return {node: sorted(found) for node, found in neighbours.items()}


def _walk(starts: list[str], neighbours: dict[str, list[str]]) -> Iterator[tuple[str, str | None, bool]]:
    """Depth-first walk. Yields (node, neighbour, whether the edge closes a loop) for each edge, and
    (node, None, False) when a node is left for good."""
    left: dict[str, bool] = {}
    for start in starts:
        if start in left:
            continue
        left[start] = False
        stack = [(start, iter(neighbours[start]))]
        while stack:
            node, rest = stack[-1]
            neighbour = next(rest, None)
            if neighbour is None:
                stack.pop()
                left[node] = True
                yield node, None, False
                continue
            yield node, neighbour, left.get(neighbour) is False
            if neighbour not in left:
                left[neighbour] = False
                stack.append((neighbour, iter(neighbours[neighbour])))
