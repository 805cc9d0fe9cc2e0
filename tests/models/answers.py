"""The answer to each synthetic's question, in plain Python from the tokens up to it and from its description alone:
nothing is shared with `models/` but the options. Each takes (options, the tokens so far, the one that asks last)."""

import re
from functools import cache
from itertools import pairwise, permutations


def mqar(options, tokens):
    shown = tokens[: 2 * options.pairs]
    return dict(zip(shown[0::2], shown[1::2], strict=True))[tokens[-1]]


def swap(size, a, b):
    images = list(range(size))
    images[a], images[b] = b, a
    return tuple(images)


def generators_of(options):
    """As permutations, in the order of their tokens."""
    group, choice = options.group, options.generators
    size = int(group[1:])
    cycle = (*range(1, size), 0)
    identity = tuple(range(size))
    if choice == "all":
        found = elements_of(group)
    elif choice == "adjacent":
        found = [swap(size, a, a + 1) for a in range(size - 1)]
    elif choice == "transpositions":
        found = [swap(size, a, b) for a in range(size) for b in range(a + 1, size)]
    elif group[0] == "s":
        found = [swap(size, 0, 1), cycle]
    elif group == "a5":
        found = [(1, 2, 0, 3, 4), cycle]
    elif group == "d4":
        found = [cycle, (0, 3, 2, 1)]
    else:
        found = [identity, cycle]
    return found + [identity] * options.identity


@cache
def elements_of(group):
    """All products of some generators, until there are no more; sorted."""
    size = int(group[1:])
    if group[0] == "s":
        return sorted(permutations(range(size)))
    cycle = (*range(1, size), 0)
    start = {"a5": [(1, 2, 0, 3, 4), cycle], "d4": [cycle, (0, 3, 2, 1)]}.get(group, [cycle])
    found = {tuple(range(size))}
    while more := {times(one, by) for one in found for by in start} - found:
        found |= more
    return sorted(found)


def times(g, x):
    """g x as functions."""
    return tuple(g[x[i]] for i in range(len(g)))


def composition(options, tokens):
    generators = generators_of(options)
    assert options.bos == (tokens[0] == 1)
    element = tuple(range(len(generators[0])))
    for token in tokens[options.bos :]:
        element = times(element, generators[token - 2])
    return elements_of(options.group).index(element)


def parity(options, tokens):
    answer = 0
    for bit in tokens:
        answer ^= bit
    return answer


def delayed_copy(options, tokens):
    assert tokens[-1] == 1
    return tokens[-1 - options.delay] - 2


def hierarchical_copy(options, tokens):
    """Every leaf whose time has come at the last of the tokens."""
    depth, place, due = 0, 0, []
    for mark in re.findall(r"[A-Za-z]|\[|\]", options.tree):
        depth += (mark == "[") - (mark == "]")
        if mark.isalpha() and place + options.step * (depth - 1) == len(tokens) - 1:
            due.append(tokens[place] - 3)
        place += mark.isalpha() or options.brackets
    (answer,) = due
    return answer


def selective_copying(options, tokens):
    content = [token - 2 for token in tokens if 2 <= token < 2 + options.symbols]
    assert len(content) == options.content
    return content[tokens.count(1) - 1 if options.ask == "all" else tokens[-1] - 2 - options.symbols]


def in_context_recall(options, tokens):
    """The value that followed the key at the end, wherever it came before."""
    kinds = options.vocabulary // 2
    values = {b - kinds for a, b in pairwise(tokens) if a == tokens[-1] and kinds <= b < 2 * kinds}
    (answer,) = values
    return answer


def fuzzy_in_context_recall(options, tokens):
    """What followed the key and the beginning of a value at the end, wherever they came before as a whole."""
    kinds = options.vocabulary // 2
    runs = re.findall("k+v*", "".join("k" if token < kinds else "v" for token in tokens))
    pairs, start = [], 0
    for run in runs:
        pair = tokens[start : start + len(run)]
        pairs.append(([t for t in pair if t < kinds], [t - kinds for t in pair if t >= kinds]))
        start += len(run)
    *before, (key, begun) = pairs
    (value,) = {tuple(value) for other, value in before if other == key}
    assert list(value[: len(begun)]) == begun
    return value[len(begun)]


def compression(options, tokens):
    assert tokens[options.length] == 0
    return tokens[tokens[-1] - 1 - options.symbols] - 1


ANSWERS = {
    "mqar": mqar,
    "composition": composition,
    "parity": parity,
    "delayed_copy": delayed_copy,
    "hierarchical_copy": hierarchical_copy,
    "selective_copying": selective_copying,
    "in_context_recall": in_context_recall,
    "noisy_in_context_recall": in_context_recall,
    "fuzzy_in_context_recall": fuzzy_in_context_recall,
    "compression": compression,
}
