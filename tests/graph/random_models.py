"""Random models of 15 operators and more, with what models have: convolutions with normalisation, residuals, rows,
movement, branches that meet again, and several outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
from stepwell.dialects import graph
from stepwell.dialects.resources import ResourceAttr
from stepwell.operators import convolution, elementwise, linear_algebra, logic, pooling, reductions, shape
from stepwell.operators.windows import Window
from stepwell.passes.graph.constants import dense
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr, TensorType, f32
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue

LEAST_OPS = 15
_MOST_ELEMENTS = 2000

Step = Callable[["Builder", SSAValue], "SSAValue | None"]


def sizes_of(value: SSAValue) -> tuple[int, ...]:
    return value.type.get_shape()


@dataclass
class Builder:
    """A model as it is built. `random` decides everything."""

    random: Random
    block: Block = field(default_factory=Block)
    values: list[SSAValue] = field(default_factory=list)
    data: list[graph.DataOp] = field(default_factory=list)
    ops: int = 0

    def add(self, op: Operation) -> SSAValue:
        self.block.add_op(op)
        self.ops += isinstance(op, graph.TensorOp)
        return op.results[0]

    def input(self, sizes: Sequence[int]) -> SSAValue:
        return self.block.insert_arg(TensorType(f32, sizes), len(self.block.args))

    def weight(self, sizes: Sequence[int], scale: float = 1.0) -> SSAValue:
        """Data of random numbers, sometimes what is there already, or inline."""
        seed = self.random.choice([0, len(self.data)])
        array = (np.random.default_rng(seed).uniform(-scale, scale, sizes)).astype(np.float32)
        name, type = f"w{len(self.data)}", TensorType(f32, sizes)
        inline = array.size <= 16 and self.random.random() < 0.5
        data = array.tobytes()
        self.data.append(graph.DataOp(name, type, dense(type, data) if inline else ResourceAttr.of(name, data)))
        return self.add(graph.WeightOp(name, type))

    def constant(self, number: float, sizes: Sequence[int] = ()) -> SSAValue:
        array = np.full(sizes, number, np.float32)
        return self.add(graph.ConstantOp(dense(TensorType(f32, sizes), array.tobytes())))

    def other(self, value: SSAValue) -> SSAValue:
        """Something that broadcasts with a value."""
        sizes = sizes_of(value)
        same = [each for each in self.values if each is not value and sizes_of(each) == sizes]
        if same and self.random.random() < 0.6:
            return self.random.choice(same)
        kept = sizes[self.random.randint(0, len(sizes)) :]
        kept = [size if self.random.random() < 0.7 else 1 for size in kept]
        kind = self.random.choice(["weight", "weight", "constant", "input"])
        if kind == "weight":
            return self.weight(kept)
        if kind == "input" and len(self.block.args) < 6:
            return self.input(kept)
        return self.constant(self.random.choice([-1.0, 0.0, 0.25, 0.5, 1.0, 2.0]), self.random.choice([(), kept]))


# Steps: each gives a value made of another one, or None where it does not fit


def unary(b: Builder, x: SSAValue) -> SSAValue:
    ops = [elementwise.ReluOp, elementwise.TanhOp, elementwise.SigmoidOp, elementwise.NegOp, elementwise.AbsOp]
    return b.add(b.random.choice(ops)(x))


def binary(b: Builder, x: SSAValue) -> SSAValue:
    y = b.other(x)
    kind = b.random.choice(["add", "add", "sub", "mul", "max", "select"])
    if kind == "select":
        return b.add(elementwise.SelectOp(b.add(logic.LessOp(x, b.constant(0.0))), x, y))
    lhs, rhs = b.random.choice([(x, y), (y, x)])
    ops = {"add": elementwise.AddOp, "sub": elementwise.SubOp, "mul": elementwise.MulOp, "max": elementwise.MaxOp}
    return b.add(ops[kind](lhs, rhs))


def residual(b: Builder, x: SSAValue) -> SSAValue | None:
    same = [each for each in b.values if each is not x and sizes_of(each) == sizes_of(x)]
    return b.add(elementwise.AddOp(*b.random.sample([x, b.random.choice(same)], 2))) if same else None


def conv(b: Builder, x: SSAValue) -> SSAValue | None:
    sizes = sizes_of(x)
    if len(sizes) != 4 or min(sizes[2:]) < 3:
        return None
    channels, kernel = b.random.choice([sizes[1], 2, 4]), b.random.choice([1, 3])
    pad = b.random.choice([0, kernel // 2])
    groups = b.random.choice([1, 1, sizes[1] if channels == sizes[1] else 1])
    weight = b.weight((channels, sizes[1] // groups, kernel, kernel), 1 / (kernel * sizes[1] ** 0.5))
    stride = b.random.choice([1, 1, 1, 2])
    window = Window((kernel, kernel), (stride, stride), (pad,) * 4, (1, 1))
    y = b.add(convolution.ConvOp(x, weight, window, groups))
    if b.random.random() < 0.6:
        y = b.add(elementwise.AddOp(y, b.weight((channels, 1, 1))))
    if b.random.random() < 0.6:
        y = b.add(elementwise.SubOp(y, b.weight((channels, 1, 1))))
        y = b.add(elementwise.MulOp(y, b.weight((channels, 1, 1))))
        y = b.add(elementwise.AddOp(b.weight((1, channels, 1, 1)), y))
    return y


def residual_block(b: Builder, x: SSAValue) -> SSAValue | None:
    """A convolution that keeps the shape, and what goes around it."""
    sizes = sizes_of(x)
    if len(sizes) != 4:
        return None
    window = Window((3, 3), (1, 1), (1,) * 4, (1, 1))
    y = b.add(convolution.ConvOp(x, b.weight((sizes[1], sizes[1], 3, 3), 0.2), window))
    b.values.append(unary(b, b.add(elementwise.AddOp(y, b.weight((sizes[1], 1, 1))))))
    return b.add(elementwise.AddOp(*b.random.sample([x, b.values[-1]], 2)))


def conv_transpose(b: Builder, x: SSAValue) -> SSAValue | None:
    """As importers write it: a convolution whose channels then lie side by side, cropped, scaled and shifted."""
    sizes = sizes_of(x)
    if len(sizes) != 4 or not 3 <= min(sizes[2:]) <= max(sizes[2:]) <= 4:
        return None
    window = Window((2, 2), (1, 1), (1, 1, 1, 1), (1, 1))
    y = b.add(convolution.ConvOp(x, b.weight((2 * 4, sizes[1], 2, 2), 0.3), window))
    n, _, h, w = sizes_of(y)
    y = b.add(shape.ReshapeOp(y, (n, 2, 2, 2, h, w)))
    y = b.add(shape.TransposeOp(y, (0, 1, 4, 2, 5, 3)))
    y = b.add(shape.ReshapeOp(y, (n, 2, 2 * h, 2 * w)))
    y = b.add(shape.SliceOp(y, (0, 0, 1, 1), (n, 2, 2 * h - 2, 2 * w - 2)))
    y = b.add(elementwise.MulOp(y, b.weight((2, 1, 1))))
    return b.add(elementwise.AddOp(y, b.weight((2, 1, 1))))


def pool(b: Builder, x: SSAValue) -> SSAValue | None:
    sizes = sizes_of(x)
    if len(sizes) != 4 or min(sizes[2:]) < 2:
        return None
    return b.add(b.random.choice([pooling.MaxPoolOp, pooling.SumPoolOp])(x, Window((2, 2), (2, 2), (0,) * 4, (1, 1))))


def matmul(b: Builder, x: SSAValue) -> SSAValue | None:
    sizes = sizes_of(x)
    if len(sizes) < 2:
        return None
    if len(sizes) > 2 and b.random.random() < 0.6:
        sizes = (sizes[0], int(np.prod(sizes[1:])))
        x = b.add(shape.ReshapeOp(x, sizes))
    inner, columns = sizes[-1], b.random.choice([2, 4, sizes[-1]])
    scale = 1 / inner**0.5
    kind = b.random.choice(["matmul", "batches", "gemm", "gemm", "gemm"])
    if kind == "batches" and len(sizes) > 2:
        return b.add(linear_algebra.MatmulOp(x, b.weight((*sizes[:-2], inner, columns), scale)))
    if kind == "gemm" and len(sizes) == 2:
        trans_a, trans_b = b.random.random() < 0.2, b.random.random() < 0.5
        inner, rows = (sizes[0], sizes[1]) if trans_a else (sizes[1], sizes[0])
        weight = b.weight((columns, inner) if trans_b else (inner, columns), 1 / inner**0.5)
        c = b.weight(b.random.choice([(columns,), (rows, 1), (1, columns)])) if b.random.random() < 0.7 else None
        factors = [0.5, 1.0, 1.0]
        alpha, beta = b.random.choice(factors), b.random.choice(factors)
        return b.add(linear_algebra.GemmOp(x, weight, c, alpha=alpha, beta=beta, trans_a=trans_a, trans_b=trans_b))
    y = b.add(linear_algebra.MatmulOp(x, b.weight((inner, columns), scale)))
    if b.random.random() < 0.5:
        y = b.add(elementwise.AddOp(*b.random.sample([y, b.weight((columns,))], 2)))
    return y


def attention(b: Builder, x: SSAValue) -> SSAValue | None:
    """Products of computed values: `softmax(x xᵀ) x`."""
    sizes = sizes_of(x)
    if len(sizes) < 2 or sizes[-2] > 16:
        return None
    order = [*range(len(sizes) - 2), len(sizes) - 1, len(sizes) - 2]
    scores = b.add(linear_algebra.MatmulOp(x, b.add(shape.TransposeOp(x, order))))
    scores = b.add(elementwise.MulOp(scores, b.constant(0.125)))
    return b.add(linear_algebra.MatmulOp(b.add(reductions.SoftmaxOp(scores, [len(sizes) - 1])), x))


def softmax(b: Builder, x: SSAValue) -> SSAValue | None:
    rank = len(sizes_of(x))
    return b.add(reductions.SoftmaxOp(x, [b.random.randrange(rank)])) if rank else None


def layer_norm(b: Builder, x: SSAValue) -> SSAValue | None:
    """In elementary operators."""
    sizes = sizes_of(x)
    if not sizes or sizes[-1] < 2:
        return None
    axes, count = [len(sizes) - 1], sizes[-1]
    mean = b.add(elementwise.DivOp(b.add(reductions.ReduceSumOp(x, axes, keepdims=True)), b.constant(count)))
    centered = b.add(elementwise.SubOp(x, mean))
    squares = b.add(reductions.ReduceSumOp(b.add(elementwise.MulOp(centered, centered)), axes, keepdims=True))
    variance = b.add(elementwise.AddOp(b.add(elementwise.DivOp(squares, b.constant(count))), b.constant(0.1)))
    y = b.add(elementwise.DivOp(centered, b.add(elementwise.SqrtOp(variance))))
    return b.add(elementwise.MulOp(y, b.weight((count,))))


def reduce(b: Builder, x: SSAValue) -> SSAValue | None:
    rank = len(sizes_of(x))
    if not rank:
        return None
    axes = b.random.sample(range(rank), b.random.randint(1, min(rank, 2)))
    op = b.random.choice([reductions.ReduceSumOp, reductions.ReduceMaxOp, reductions.ReduceMinOp])
    y = b.add(op(x, axes, keepdims=b.random.random() < 0.6))
    if op is reductions.ReduceSumOp:
        y = b.add(elementwise.MulOp(y, b.constant(0.125)))
    return y


def reshape(b: Builder, x: SSAValue) -> SSAValue:
    sizes = list(sizes_of(x))
    for _ in range(b.random.randint(1, 2)):
        dim = b.random.randrange(len(sizes) + 1)
        kind = b.random.choice(["merge", "split", "one"])
        if kind == "merge" and dim + 1 < len(sizes):
            sizes[dim : dim + 2] = [sizes[dim] * sizes[dim + 1]]
        elif kind == "split" and dim < len(sizes):
            factors = [factor for factor in (2, 3, 4) if sizes[dim] % factor == 0]
            if factors:
                factor = b.random.choice(factors)
                sizes[dim : dim + 1] = b.random.sample([factor, sizes[dim] // factor], 2)
        elif len(sizes) < 5:
            sizes.insert(dim, 1)
    return b.add(shape.ReshapeOp(x, sizes))


def transpose(b: Builder, x: SSAValue) -> SSAValue | None:
    rank = len(sizes_of(x))
    return b.add(shape.TransposeOp(x, b.random.sample(range(rank), rank))) if rank > 1 else None


def concat(b: Builder, x: SSAValue) -> SSAValue | None:
    sizes = sizes_of(x)
    if not sizes:
        return None
    axis = b.random.randrange(len(sizes))
    fits = [
        each
        for each in b.values
        if len(sizes_of(each)) == len(sizes)
        and all(dim == axis or a == c for dim, (a, c) in enumerate(zip(sizes, sizes_of(each), strict=True)))
    ]
    others = b.random.choices(fits, k=b.random.randint(1, 2))
    return b.add(shape.ConcatOp(b.random.sample([x, *others], 1 + len(others)), axis))


def slice_(b: Builder, x: SSAValue) -> SSAValue | None:
    sizes = list(sizes_of(x))
    starts, steps = [0] * len(sizes), [1] * len(sizes)
    for dim, size in enumerate(sizes):
        if size > 1 and b.random.random() < 0.6:
            steps[dim] = b.random.choice([1, 1, 2, -1])
            starts[dim] = size - 1 if steps[dim] < 0 else b.random.randrange(size)
            room = starts[dim] + 1 if steps[dim] < 0 else -(-(size - starts[dim]) // steps[dim])
            sizes[dim] = b.random.randint(1, room)
    return b.add(shape.SliceOp(x, starts, sizes, steps))


def broadcast(b: Builder, x: SSAValue) -> SSAValue:
    sizes = [b.random.choice([1, 2, 3]) if size == 1 else size for size in sizes_of(x)]
    return b.add(shape.BroadcastOp(x, ([2] if len(sizes) < 3 and b.random.random() < 0.5 else []) + sizes))


def known(b: Builder, x: SSAValue) -> SSAValue | None:
    """What depends on data only, and is added."""
    sizes = sizes_of(x)
    weight = b.add(elementwise.MulOp(b.weight(sizes), b.constant(0.5)))
    if len(sizes) > 1 and sizes[0] == sizes[1]:
        weight = b.add(shape.TransposeOp(weight, [1, 0, *range(2, len(sizes))]))
    return b.add(elementwise.AddOp(weight, x))


STEPS: Sequence[tuple[Step, int]] = (
    (unary, 3),
    (binary, 4),
    (residual, 4),
    (conv, 4),
    (residual_block, 1),
    (conv_transpose, 1),
    (pool, 2),
    (matmul, 3),
    (attention, 1),
    (softmax, 1),
    (layer_norm, 2),
    (reduce, 1),
    (reshape, 2),
    (transpose, 2),
    (concat, 1),
    (slice_, 1),
    (broadcast, 1),
    (known, 1),
)


def build_model(random: Random) -> ModuleOp:
    """A model of `LEAST_OPS` operators or more."""
    b = Builder(random)
    b.values.append(b.input((random.choice([1, 2]), 4, 6, random.choice([5, 6]))))
    b.values.append(b.input((random.choice([2, 6]), random.choice([3, 4]))))
    inputs = len(b.values)
    # A convolution, and a residual around another one, are in every model.
    first = conv(b, b.values[0])
    assert first is not None
    b.values.append(unary(b, first))
    block = residual_block(b, b.values[-1])
    assert block is not None
    b.values.append(block)
    steps, weights = zip(*STEPS, strict=True)
    target = random.randint(LEAST_OPS, LEAST_OPS + 10)
    while b.ops < target:
        x = b.values[-1] if random.random() < 0.5 else random.choice(b.values)
        (step,) = random.choices(steps, weights)
        y = step(b, x)
        if y is not None and np.prod(sizes_of(y)) <= _MOST_ELEMENTS and len(sizes_of(y)) <= 6:
            b.values.append(y)
    computed = b.values[inputs:]
    outputs = [computed[-1], *random.sample(computed, min(len(computed), random.randint(1, 3)))]
    if random.random() < 0.2:
        outputs.append(random.choice([b.values[0], outputs[0], b.weight((3,)), b.constant(2.0, (2,))]))
    b.block.add_op(ReturnOp(*outputs))
    names = ArrayAttr(DictionaryAttr({"te.name": StringAttr(f"in{i}")}) for i in range(len(b.block.args)))
    function = FuncOp("main", (b.block.arg_types, [value.type for value in outputs]), Region(b.block), arg_attrs=names)
    module = ModuleOp([function, *b.data])
    module.verify()
    return module
