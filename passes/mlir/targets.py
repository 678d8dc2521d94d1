"""What rung 4b says about the machine."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp, StringAttr


def is_x86(module: ModuleOp) -> bool:
    """Whether the module is for an x86. One without a target is for any machine."""
    triple = module.attributes.get("llvm.target_triple")
    return isinstance(triple, StringAttr) and triple.data.startswith(("x86_64", "i386", "i686"))


def lacks_f16_conversions(module: ModuleOp) -> bool:
    """Whether code for the module's target would call a library to convert f16: x86 without F16C.

    A module without a target is for any machine that has them.
    """
    features = module.attributes.get("llvm.target_features")
    if not is_x86(module):
        return False
    return not isinstance(features, StringAttr) or "+f16c" not in features.data.split(",")
