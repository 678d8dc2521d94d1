"""Sums of products over named dimensions."""

from __future__ import annotations

import string
from collections.abc import Sequence

from xdsl.ir import SSAValue

from ....errors import ImportModelError
from ....operators.contractions import EinsumOp
from ..node import Converter, Node, rank_of


def _convert_einsum(node: Node) -> SSAValue:
    operands = node.tensors(1, -1)
    inputs, output = explicit_terms(node.required("equation", str), [rank_of(operand) for operand in operands])
    value, letters = operands[0], inputs[0]
    if len(operands) == 1:
        return node.add(EinsumOp([value], f"{letters}->{output}"))
    for index in range(1, len(operands)):
        # From left to right; what neither the result nor a later operand has is summed over as soon as it can be.
        wanted = set(output).union(*inputs[index + 1 :])
        kept = "".join(dict.fromkeys(letter for letter in letters + inputs[index] if letter in wanted))
        target = output if index == len(operands) - 1 else kept
        value = node.add(EinsumOp([value, operands[index]], f"{letters},{inputs[index]}->{target}"))
        letters = target
    return value


def explicit_terms(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The letters of operands of these ranks and of the result, where `...` and a missing result are spelled out."""
    left, arrow, output = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ImportModelError(f"expected an equation of {len(ranks)} operands, got '{equation}'")
    for term in (*terms, output):
        if not set(term.replace("...", "", 1)) <= set(string.ascii_letters):
            raise ImportModelError(f"expected an equation of letters and '...', got '{equation}'")
    named = [term.replace("...", "") for term in terms]
    counts = [rank - len(letters) for rank, letters in zip(ranks, named, strict=True)]
    for term, count, rank in zip(terms, counts, ranks, strict=True):
        if count < 0 or (count and "..." not in term):
            raise ImportModelError(f"expected an operand of the rank of '{term}', got rank {rank}")
    free = [letter for letter in string.ascii_letters if letter not in set(equation)]
    width = max(counts)
    if width > len(free):
        raise ImportModelError(f"expected at most 52 dimensions, got '{equation}' of ranks {list(ranks)}")
    rest = "".join(free[:width])
    inputs = [term.replace("...", rest[width - count :]) for term, count in zip(terms, counts, strict=True)]
    if arrow:
        return inputs, output.replace("...", rest)
    once = sorted(letter for letter in set("".join(named)) if "".join(named).count(letter) == 1)
    return inputs, rest + "".join(once)


CONVERTERS = (Converter("Einsum", 12, _convert_einsum, ("equation",)),)
