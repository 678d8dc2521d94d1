"""The interface of transform operations, which plugins implement too."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from xdsl.ir import Attribute, Operation, SSAValue

if TYPE_CHECKING:
    from .interpreter import Interpreter

PayloadItem: TypeAlias = Operation | Attribute | SSAValue

Payload: TypeAlias = Sequence[PayloadItem]
"""What a handle stands for: operations, attributes (of a param) or values."""

Results: TypeAlias = Sequence[Payload]
"""One payload for each result of a transform operation."""


class Effect(Enum):
    """What a transform operation does to the payload of one of its operands."""

    READS = "reads"
    """Nothing."""
    FORWARDS = "forwards"
    """Changes or moves it; it stays the same operation, so handles to it stay valid."""
    ERASES = "erases"
    """May erase it; what it contained is moved. Exactly the handles to erased operations die."""
    CONSUMES = "consumes"
    """Upstream's rule: handles to it and to anything nested in it die."""


class TransformOpInterface(Operation, ABC):
    """An operation that a transform script may contain.

    `apply` may raise `ScheduleError` for a refusal (silenceable: the payload must be untouched) and `ScriptError`
    for a mistake in the script (never silenced).
    """

    OPERAND_EFFECTS: ClassVar[tuple[Effect, ...]] = (Effect.READS,)
    """The effect on each operand's payload; the last one stands for all operands that follow."""

    MATCHER: ClassVar[bool] = False
    """Whether this operation may stand in a matcher: it only looks."""

    STEERS: ClassVar[bool] = False
    """Whether this operation changes nothing itself: it runs others."""

    COUNTS_RESULTS: ClassVar[bool] = False
    """Whether only running it says how many results it may have, and a single one holds them all."""

    def operand_effects(self) -> tuple[Effect, ...]:
        """The effects of this very operation, where they depend on more than its class."""
        return self.OPERAND_EFFECTS

    @abstractmethod
    def apply(self, interpreter: Interpreter) -> Results:
        """Does what this operation says, and gives the payload of each result."""


def effect_on(op: Operation, index: int) -> Effect:
    """The effect of a transform operation on the payload of its `index`-th operand."""
    if not isinstance(op, TransformOpInterface):
        return Effect.READS
    effects = op.operand_effects()
    return effects[min(index, len(effects) - 1)]


class PatternDescriptor(Operation, ABC):
    """An operation inside `transform.apply_patterns`: it stands for a set of rewrite patterns."""

    @abstractmethod
    def patterns(self, interpreter: Interpreter) -> Sequence[object]:
        """The rewrite patterns."""
