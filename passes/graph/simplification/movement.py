"""Operators that move elements: as few as can be, and always in the same form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from ....operators.elementwise import CastOp
from ....operators.shape import BroadcastOp, ConcatOp, ReshapeOp, SliceOp, TransposeOp, reshape_groups
from .common import ONE, defining, known_shape, shape_of, static_shape


class DropMovement(RewritePattern):
    """What leaves everything in its place is its operand: a reshape or broadcast to the same shape, a cast to the same
    type, a slice of everything, a concatenation of one."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not isinstance(op, ReshapeOp | TransposeOp | BroadcastOp | CastOp | SliceOp | ConcatOp):
            return
        if len(op.operands) != 1 or op.operands[0].type != op.result.type:
            return
        if isinstance(op, TransposeOp) and not _is_identity(op.permutation.get_values()):
            return
        if isinstance(op, SliceOp) and (any(op.start_list) or any(step != 1 for step in op.step_list)):
            return
        rewriter.replace(op, [], [op.operands[0]])


def _is_identity(permutation: Sequence[int]) -> bool:
    return all(dim == index for index, dim in enumerate(permutation))


class MergeReshapes(RewritePattern):
    """A reshape of a reshape is one; so is a transpose that moves only extents of 1, or of a transpose."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReshapeOp, rewriter: PatternRewriter) -> None:
        before = defining(op.operand, ReshapeOp)
        if before is not None:
            rewriter.replace(op, ReshapeOp(before.operands[0], shape_of(op.result)))


class MergeTransposes(RewritePattern):
    """A transpose of a transpose is one, and one that moves only extents of 1 is a reshape."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: TransposeOp, rewriter: PatternRewriter) -> None:
        permutation = op.permutation.get_values()
        shape = shape_of(op.operand)
        moved = [dim for dim in permutation if shape[dim] != ONE]
        before = defining(op.operand, TransposeOp)
        if moved == sorted(moved) and None not in shape:
            rewriter.replace(op, ReshapeOp(op.operand, shape_of(op.result)))
        elif isinstance(before, TransposeOp):
            first = before.permutation.get_values()
            rewriter.replace(op, TransposeOp(before.operand, [first[dim] for dim in permutation]))


# Chains


@dataclass(eq=False)
class _Atom:
    """A dimension, or a digit of one, that a chain of reshapes and transposes moves as a whole."""

    size: int


@dataclass
class _Chain:
    """Where the atoms of a tensor are after some reshapes and transposes."""

    original: list[_Atom]
    dims: list[list[_Atom]]

    @staticmethod
    def of(shape: Sequence[int]) -> _Chain:
        atoms = [_Atom(size) for size in shape]
        return _Chain(atoms, [[atom] for atom in atoms])

    def transpose(self, permutation: Sequence[int]) -> None:
        """Puts the dimensions into another order."""
        self.dims = [self.dims[dim] for dim in permutation]

    def reshape(self, shape: Sequence[int]) -> bool:
        """Divides the atoms into other dimensions; False if one would have to be divided unevenly."""
        rest = [atom for dim in reversed(self.dims) for atom in reversed(dim) if atom.size != 1]
        dims: list[list[_Atom]] = []
        for size in shape:
            dim: list[_Atom] = []
            while size > 1:
                atom = rest.pop()
                if atom.size > size and atom.size % size == 0:
                    inner = _Atom(atom.size // size)
                    atom.size = size
                    self.original.insert(self.original.index(atom) + 1, inner)
                    rest.append(inner)
                if size % atom.size:
                    return False
                dim.append(atom)
                size //= atom.size
            dims.append(dim)
        self.dims = dims
        return True

    def runs(self) -> tuple[list[int], list[int]]:
        """The sizes, in the original order, of what stays together, and its permutation."""
        place = {atom: index for index, atom in enumerate(atom for atom in self.original if atom.size != 1)}
        order = [place[atom] for dim in self.dims for atom in dim if atom.size != 1]
        sizes = [atom.size for atom in self.original if atom.size != 1]
        starts = [number for index, number in enumerate(order) if index == 0 or number != order[index - 1] + 1]
        runs: dict[int, int] = {}
        for number in sorted(starts):
            end = min((start for start in starts if start > number), default=len(sizes))
            runs[number] = 1
            for size in sizes[number:end]:
                runs[number] *= size
        ranks = {number: rank for rank, number in enumerate(runs)}
        return list(runs.values()), [ranks[number] for number in starts]


class CanonicalMovement(RewritePattern):
    """Reshapes and transposes one after another → a reshape, one transpose of as few dimensions as can be, and a
    reshape. So all ways to write the same movement are the same."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if not isinstance(op, ReshapeOp | TransposeOp) or self._goes_on(op):
            return
        ops = self._chain(op)
        if not any(isinstance(each, TransposeOp) for each in ops):
            return
        source, target = ops[0].operand, static_shape(op.result)
        shapes = [static_shape(each.result) for each in ops]
        start = static_shape(source)
        if start is None or target is None:
            return
        chain = _Chain.of(start)
        for each, shape in zip(ops, shapes, strict=True):
            if isinstance(each, TransposeOp):
                chain.transpose(each.permutation.get_values())
            elif shape is None or not chain.reshape(shape):
                return
        sizes, permutation = chain.runs()
        wanted: list[tuple[int, ...]] = []
        if _is_identity(permutation):
            wanted += [tuple(target)] if target != start else []
        else:
            moved = [sizes[dim] for dim in permutation]
            wanted += [tuple(sizes)] if sizes != start else []
            wanted.append(tuple(-1 - dim for dim in permutation))
            wanted += [tuple(target)] if target != moved else []
        if wanted == [_signature(each) for each in ops]:
            return
        value: SSAValue = source
        for step in wanted:
            is_transpose = bool(step) and step[0] < 0
            new = TransposeOp(value, [-1 - dim for dim in step]) if is_transpose else ReshapeOp(value, step)
            rewriter.insert(new)
            value = new.result
        rewriter.replace(op, [], [value])

    def _goes_on(self, op: ReshapeOp | TransposeOp) -> bool:
        if not op.result.has_one_use():
            return False
        return isinstance(next(iter(op.result.uses)).operation, ReshapeOp | TransposeOp)

    def _chain(self, op: ReshapeOp | TransposeOp) -> list[ReshapeOp | TransposeOp]:
        """The reshapes and transposes that end in `op`; no transpose that others need, too, is among them."""
        chain = [op]
        while True:
            before = defining(chain[-1].operand, (ReshapeOp, TransposeOp))
            if before is None or (isinstance(before, TransposeOp) and not before.result.has_one_use()):
                return chain[::-1]
            chain.append(cast("ReshapeOp | TransposeOp", before))


def _signature(op: ReshapeOp | TransposeOp) -> tuple[int, ...]:
    """The shape of a reshape, or negative numbers that stand for a permutation."""
    if isinstance(op, TransposeOp):
        return tuple(-1 - dim for dim in op.permutation.get_values())
    return tuple(static_shape(op.result) or ())


# Slices


class MergeSlices(RewritePattern):
    """A slice of a slice is one."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        before = defining(op.operand, SliceOp)
        if not isinstance(before, SliceOp):
            return
        pairs = zip(before.start_list, before.step_list, strict=True)
        starts = [start + step * own for (start, step), own in zip(pairs, op.start_list, strict=True)]
        steps = [a * b for a, b in zip(before.step_list, op.step_list, strict=True)]
        rewriter.replace(op, SliceOp(before.operand, starts, shape_of(op.result), steps))


class SliceBeforeTranspose(RewritePattern):
    """A slice of a transpose → a transpose of a slice: fewer elements move."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        before = defining(op.operand, TransposeOp)
        if not isinstance(before, TransposeOp):
            return
        permutation = before.permutation.get_values()
        starts, steps = [0] * len(permutation), [1] * len(permutation)
        dims = list(shape_of(before.operand))
        for index, dim in enumerate(permutation):
            starts[dim], steps[dim], dims[dim] = op.start_list[index], op.step_list[index], shape_of(op.result)[index]
        part = SliceOp(before.operand, starts, dims, steps)
        rewriter.replace(op, [part, TransposeOp(part.result, permutation)])


class SliceBeforeReshape(RewritePattern):
    """A slice of the first of the dimensions that a reshape makes of one → a reshape of a slice of that one."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SliceOp, rewriter: PatternRewriter) -> None:
        before = defining(op.operand, ReshapeOp)
        if not isinstance(before, ReshapeOp):
            return
        source, target = known_shape(before.operand), known_shape(before.result)
        sizes = known_shape(op.result)
        if source is None or target is None or sizes is None:
            return
        starts, steps, dims = [0] * len(source), [1] * len(source), list(source)
        grouped: set[int] = set()
        for own, full in reshape_groups(source, target):
            grouped.update(full)
            sliced = [dim for dim in full if sizes[dim] != target[dim] or op.step_list[dim] != 1]
            if not sliced:
                continue
            inner = 1
            for dim in full[1:]:
                if not target[dim].is_constant:
                    return
                inner *= target[dim].constant
            if len(own) != 1 or sliced != full[:1] or (inner != 1 and op.step_list[full[0]] != 1):
                return
            starts[own[0]], steps[own[0]] = op.start_list[full[0]] * inner, op.step_list[full[0]]
            dims[own[0]] = sizes[full[0]] * inner
        part = SliceOp(before.operand, starts, dims, steps)
        rewriter.replace(op, [part, ReshapeOp(part.result, shape_of(op.result))])


class MergeConcats(RewritePattern):
    """A concatenation of a concatenation along the same axis that nothing else needs → one of all operands."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ConcatOp, rewriter: PatternRewriter) -> None:
        operands: list[SSAValue] = []
        for operand in op.operands:
            before = defining(operand, ConcatOp)
            if isinstance(before, ConcatOp) and before.axis == op.axis and operand.has_one_use():
                operands += before.operands
            else:
                operands.append(operand)
        if len(operands) != len(op.operands):
            rewriter.replace(op, ConcatOp(operands, op.axis.value.data))


class DropBroadcast(RewritePattern):
    """A broadcast of one element that is known, or of what is reshaped only → a reshape."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: BroadcastOp, rewriter: PatternRewriter) -> None:
        source, target = shape_of(op.operand), shape_of(op.result)
        if None in source or None in target:
            return
        if [dim for dim in source if dim != ONE] == [dim for dim in target if dim != ONE]:
            rewriter.replace(op, ReshapeOp(op.operand, target))


PATTERNS: tuple[type[RewritePattern], ...] = (
    DropMovement,
    MergeReshapes,
    MergeTransposes,
    MergeSlices,
    SliceBeforeTranspose,
    SliceBeforeReshape,
    MergeConcats,
    DropBroadcast,
    CanonicalMovement,
)
