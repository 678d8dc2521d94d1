"""`convert-to-llvm`: from rung 4b to rung 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from ...errors import CompileError, did_you_mean
from .affine_to_llvm import AFFINE_TO_LLVM
from .arith_to_llvm import ARITH_TO_LLVM
from .func_to_llvm import BUILTIN_TO_LLVM, FUNC_TO_LLVM
from .intrinsics_to_llvm import INTRINSICS_TO_LLVM
from .llvm_conversion import LLVMConversion, Pattern, PatternTable
from .math_to_llvm import MATH_TO_LLVM
from .memref_to_llvm import MEMREF_TO_LLVM
from .scf_to_llvm import CF_TO_LLVM, SCF_TO_LLVM
from .vector_to_llvm import VECTOR_TO_LLVM

PATTERNS: dict[str, PatternTable] = {
    "affine": AFFINE_TO_LLVM,
    "arith": ARITH_TO_LLVM,
    "cf": CF_TO_LLVM,
    "func": FUNC_TO_LLVM,
    "llvm": INTRINSICS_TO_LLVM,
    "math": MATH_TO_LLVM,
    "memref": MEMREF_TO_LLVM,
    "scf": SCF_TO_LLVM,
    "vector": VECTOR_TO_LLVM,
}
"""The patterns for each dialect of rung 4b."""


def convert_to_llvm(module: ModuleOp, dialects: Sequence[str] = ()) -> None:
    """Rewrites the operations of some dialects, by default all of rung 4b, into the `llvm` dialect, in place."""
    unknown = [name for name in dialects if name not in PATTERNS]
    if unknown:
        raise CompileError(
            f"expected a dialect with patterns to llvm, got '{unknown[0]}'{did_you_mean(unknown[0], PATTERNS)}"
        )
    table: dict[type[Operation], Pattern] = dict(BUILTIN_TO_LLVM)
    for name in dialects or PATTERNS:
        table.update(PATTERNS[name])
    LLVMConversion(table).run(module)


@dataclass(frozen=True)
class ConvertToLLVMPass(ModulePass):
    """Converts the upstream dialects of rung 4b to `llvm`, with bare pointers for memrefs of static shape."""

    name = "convert-to-llvm"

    filter_dialects: tuple[str, ...] = ()
    """Convert only these dialects' operations."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        convert_to_llvm(op, self.filter_dialects)
