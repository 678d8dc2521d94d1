"""The dialects of the staircase, and the analyses that their verifiers need."""

from xdsl.ir import SSAValue

# Values are keys wherever IR is looked at or built. Their hash is their identity, as Python's own is, without a call.
setattr(SSAValue, "__hash__", object.__hash__)  # noqa: B010
