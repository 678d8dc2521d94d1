"""Runs transform scripts on payload IR."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TextIO, cast

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr, SymbolRefAttr, UnitAttr, UnregisteredOp
from xdsl.ir import Block, Operation

from ..dialects.source import describe_location
from ..errors import ScheduleError, ScriptError, StepwellError, did_you_mean
from .diagnostics import Refusal, ScriptFailure, locate
from .interfaces import Effect, Payload, TransformOpInterface
from .layouts import pack_operands
from .library import Library, ScriptFile, libraries_of, modules_with
from .pass_runner import NoPasses, PassRunner
from .snapshot import Snapshot
from .state import SCHEDULED, TransformState
from .upstream.control import NamedSequenceOp, YieldOp, check_matcher
from .watch import Stopped, Watcher, current_watcher

DEFAULT_ENTRY = "__transform_main"

_READS = (Effect.READS,)

_Kind = tuple[bool, bool, tuple[Effect, ...] | None]
_KINDS: dict[type[Operation], _Kind] = {}
"""Of each class of transform operations, whether it changes the payload itself, whether all handles outlive it, and its
effects, if they are always the same."""


def _kind_of(op: Operation) -> _Kind:
    if not isinstance(op, TransformOpInterface):
        name = op.op_name.data if isinstance(op, UnregisteredOp) else op.name
        raise ScriptError(f"expected a transform operation, got '{name}'", op)
    kind = type(op)
    always = kind.operand_effects is TransformOpInterface.operand_effects
    found = (
        not (op.MATCHER or op.STEERS),
        always and _READS == kind.OPERAND_EFFECTS,
        kind.OPERAND_EFFECTS if always else None,
    )
    _KINDS[kind] = found
    return found


def _placed(error: StepwellError, op: Operation) -> StepwellError:
    """The error of an operation of a script with its place."""
    if isinstance(error, ScheduleError | ScriptError):
        return locate(error, op)
    error.add_note(f"in script: {describe_location(op)}: {op.name}")
    return error


@dataclass(eq=False)
class Backup:
    """What payload ops are before something changes; nothing as long as nothing does."""

    ops: Sequence[Operation]
    snapshots: Sequence[Snapshot] = ()

    def restore(self) -> None:
        """Makes the ops what they were."""
        for snapshot in self.snapshots:
            snapshot.restore()


@dataclass(frozen=True)
class _Known:
    """What was found in files of scripts, which stay as they are."""

    names: frozenset[str] = frozenset()
    callees: dict[tuple[int, str], NamedSequenceOp] = field(default_factory=dict[tuple[int, str], NamedSequenceOp])
    matchers: set[int] = field(default_factory=set[int])
    uses: dict[int, Sequence[NamedSequenceOp]] = field(default_factory=dict[int, Sequence[NamedSequenceOp]])


@lru_cache(maxsize=16)
def _known_in(files: tuple[ScriptFile, ...]) -> _Known:
    """What runs before found in the same files. They keep their modules alive, whose identities are the keys."""
    return _Known(frozenset(name for file in files for name in file.names))


@dataclass
class Interpreter:
    """The run of one script on one payload."""

    state: TransformState
    ctx: Context = field(default_factory=Context)
    passes: PassRunner = field(default_factory=NoPasses)
    libraries: Sequence[Library] = ()
    output: TextIO | None = None
    """Where `transform.print` writes; standard output if none."""
    remarks: list[tuple[str, Operation]] = field(default_factory=list[tuple[str, Operation]])
    """What `transform.debug.emit_remark_at` said, and about which payload op."""
    _symbols: dict[Operation, dict[str, Operation]] = field(default_factory=dict[Operation, dict[str, Operation]])
    _callees: dict[tuple[int, str], NamedSequenceOp] = field(default_factory=dict[tuple[int, str], NamedSequenceOp])
    _running: list[NamedSequenceOp] = field(default_factory=list[NamedSequenceOp])
    _unsaved: list[Backup] = field(default_factory=list[Backup])
    watcher: Watcher | None = None
    _matchers: set[int] = field(default_factory=set[int])
    """Those that were looked at: that they only look."""
    _matching: int = 0
    """How many matchers run around what is executed."""
    _files: tuple[ScriptFile, ...] = ()
    """The libraries before all others that are files."""
    _known: _Known = field(default_factory=_Known)

    def __post_init__(self) -> None:
        files = itertools.takewhile(lambda library: isinstance(library, ScriptFile), self.libraries)
        self._files = cast("tuple[ScriptFile, ...]", tuple(files))
        if self._files:
            self._known = _known_in(self._files)

    def _is_from_file(self, module: Operation | None) -> bool:
        return any("module" in vars(file) and file.module is module for file in self._files)

    def execute(self, op: Operation) -> None:
        """Runs one operation of a script."""
        try:
            if self.watcher is None or self._matching:
                self._execute(op)
            else:
                self._execute_watched(op, self.watcher)
        except StepwellError as error:
            placed = _placed(error, op)
            if placed is error:
                raise
            raise placed from error

    def _run(self, op: Operation | None) -> YieldOp | None:
        """Runs operations of a script one after another, up to a terminator, and gives that."""
        watcher = None if self._matching else self.watcher
        try:
            while op is not None:
                if type(op) is YieldOp:
                    return op
                if watcher is None:
                    self._execute(op)
                else:
                    self._execute_watched(op, watcher)
                op = op.next_op
        except StepwellError as error:
            assert op is not None
            placed = _placed(error, op)
            if placed is error:
                raise
            raise placed from error
        return None

    def _execute_watched(self, op: Operation, watcher: Watcher) -> None:
        steers = isinstance(op, TransformOpInterface) and op.STEERS
        if not steers:
            watcher.before(op, self.state.root)
        try:
            self._execute(op)
        except ScheduleError as error:
            if not steers:
                watcher.refused(op, self.state.root, error)
            raise
        if not steers:
            watcher.after(op, self.state.root)

    def _execute(self, op: Operation) -> None:
        is_changing, only_reads, effects = _KINDS.get(type(op)) or _kind_of(op)
        if TYPE_CHECKING:
            assert isinstance(op, TransformOpInterface)
        if is_changing and self._unsaved:
            self._save()
        state = self.state
        state.check_operands(op)
        if only_reads:
            results = op.apply(self)
        else:
            if effects is None:
                effects = op.operand_effects()
            results = op.apply(self) if effects == _READS else self._apply(op, effects)
        handles = op.results
        assert len(results) == len(handles), f"{op.name} gave {len(results)} payloads for {len(handles)} results"
        if handles:
            state.bind_all(handles, results)

    def _apply(self, op: TransformOpInterface, effects: tuple[Effect, ...]) -> Sequence[Payload]:
        """What an operation gives that may end the life of handles."""
        state = self.state
        state.check_repeats(op, effects)
        if Effect.CONSUMES in effects:
            deaths = state.consumed(op, effects)
            try:
                results = op.apply(self)
            finally:
                state.kill(deaths)
        else:
            results = op.apply(self)
        state.sweep(op)
        return results

    def look(self, op: TransformOpInterface) -> Sequence[Payload]:
        """What an operation that only looks would give its results."""
        try:
            self.state.check_operands(op)
            return op.apply(self)
        except (ScheduleError, ScriptError) as error:
            raise locate(error, op) from error

    def run_block(self, block: Block, args: Sequence[Payload]) -> list[Payload]:
        """Runs the body of a sequence on the payloads of its arguments; gives what it yields."""
        if len(args) != len(block.args):
            raise ScriptError(f"expected {len(block.args)} arguments, got {len(args)}", block.parent_op())
        state = self.state
        outer = state.enter()
        try:
            state.bind_all(block.args, args)
            end = self._run(block.first_op)
            if end is None:
                return []
            self.check(end)
            return [state.payload(operand) for operand in end.operands]
        finally:
            state.leave(outer)

    def check(self, op: Operation) -> None:
        """Checks the operands of a terminator, which is not executed."""
        try:
            self.state.check_operands(op)
        except ScriptError as error:
            raise locate(error, op) from error

    def call(self, sequence: NamedSequenceOp, args: Sequence[Payload]) -> list[Payload]:
        """Runs a named sequence."""
        if sequence in self._running:
            raise ScriptError(f"recursion not allowed in named sequences: @{sequence.sym_name.data}", sequence)
        block = sequence.regions[0].first_block
        if block is None:
            raise ScriptError(f"expected a named sequence with a body, got a declaration @{sequence.sym_name.data}")
        self._running.append(sequence)
        try:
            return self.run_block(block, args)
        finally:
            self._running.pop()

    def lookup(self, symbol: SymbolRefAttr, user: Operation) -> NamedSequenceOp:
        """The named sequence that a symbol names: in the nearest module around its user, else in a library, which also
        has the body of what is only declared there."""
        home: Operation | None = user
        while home is not None and type(home) is not ModuleOp:
            home = home.parent_op()
        nested = symbol.nested_references.data
        key = (id(home), str(symbol) if nested else symbol.root_reference.data)
        known = self._known.callees.get(key) or self._callees.get(key)
        if known is None:
            known = self._find(symbol, user)
            lasting = self._is_from_file(home) and self._is_from_file(known.parent_op())
            (self._known.callees if lasting else self._callees)[key] = known
        return known

    def expect(self, symbol: SymbolRefAttr, user: Operation) -> None:
        """Raises if a symbol is unknown. A file that has its name is parsed when it is looked up."""
        root = symbol.root_reference.data
        if symbol.nested_references.data or root not in self._known.names:
            self.lookup(symbol, user)

    def used_by(self, user: Operation, look_up: Callable[[], Sequence[NamedSequenceOp]]) -> Sequence[NamedSequenceOp]:
        """The named sequences that an operation uses, which are looked up and checked once where all is in files."""
        known = self._known.uses.get(id(user))
        if known is None:
            known = look_up()
            modules = [user.parent_op(), *(each.parent_op() for each in known)]
            while modules and modules[0] is not None and type(modules[0]) is not ModuleOp:
                modules[0] = modules[0].parent_op()
            if all(map(self._is_from_file, modules)):
                self._known.uses[id(user)] = known
        return known

    def _find(self, symbol: SymbolRefAttr, user: Operation) -> NamedSequenceOp:
        visible: list[Mapping[str, Operation]] = []
        declaration: NamedSequenceOp | None = None
        root = symbol.root_reference.data
        for table in itertools.chain(_enclosing_modules(user), modules_with(self.libraries, root)):
            names = self._table(table)
            visible.append(names)
            found: Operation | None = names.get(root)
            for nested in symbol.nested_references:
                found = self._table(found).get(nested.data) if isinstance(found, ModuleOp) else None
            if isinstance(found, NamedSequenceOp):
                if found.regions[0].first_block is not None:
                    return found
                declaration = declaration or found
        if declaration is not None:
            return declaration
        name = symbol.string_value()
        unread = [each for library in self.libraries if isinstance(library, ScriptFile) for each in library.names]
        hint = did_you_mean(name, [*(each for names in visible for each in names), *unread])
        raise ScriptError(f"expected a named sequence, got unknown symbol @{name}{hint}", user)

    def _table(self, module: Operation) -> dict[str, Operation]:
        if module not in self._symbols:
            self._symbols[module] = _symbols_in(module)
        return self._symbols[module]

    def backup(self, ops: Sequence[Operation]) -> Backup:
        """A backup of payload ops, which is made when something is about to change; until `forget`."""
        backup = Backup(ops)
        self._unsaved.append(backup)
        return backup

    def forget(self, backup: Backup) -> None:
        """Ends the time in which a backup may be needed."""
        if backup in self._unsaved:
            self._unsaved.remove(backup)

    def undone(self, op: Operation) -> None:
        """Tells who watches that `op` took back what a refused region did."""
        if self.watcher is not None and not self._matching:
            self.watcher.undone(op, self.state.root)

    def _save(self) -> None:
        for backup in self._unsaved:
            backup.snapshots = [Snapshot(op) for op in backup.ops]
        self._unsaved.clear()

    def match(self, matcher: NamedSequenceOp, args: Sequence[Payload]) -> list[Payload] | Refusal:
        """What a matcher yields, or the refusal of what does not match. Nobody watches."""
        if id(matcher) not in self._known.matchers and id(matcher) not in self._matchers:
            check_matcher(matcher)
            (self._known.matchers if self._is_from_file(matcher.parent_op()) else self._matchers).add(id(matcher))
        self._matching += 1
        try:
            return self.call(matcher, args)
        except Refusal as refusal:
            return refusal
        finally:
            self._matching -= 1

    def may_fail(self, action: Callable[[], list[Payload]]) -> list[Payload] | Refusal:
        """What `action` gives, or the refusal that it ended in."""
        try:
            return action()
        except Refusal as refusal:
            return refusal


def _symbols_in(module: Operation) -> dict[str, Operation]:
    symbols: dict[str, Operation] = {}
    for op in module.regions[0].block.ops:
        name = op.properties.get("sym_name")
        if isinstance(name, StringAttr):
            symbols[name.data] = op
    return symbols


def _enclosing_modules(op: Operation) -> Iterable[ModuleOp]:
    parent = op.parent_op()
    while parent is not None:
        if isinstance(parent, ModuleOp):
            yield parent
        parent = parent.parent_op()


def find_entry(script: ModuleOp, entry: str = DEFAULT_ENTRY, libraries: Sequence[Library] = ()) -> NamedSequenceOp:
    """The named sequence at which a script starts: in the module, or in a module nested in it, else in a library."""
    for module in itertools.chain((script,), modules_with(libraries, entry)):
        for op in _sequences_in(module):
            if op.sym_name.data == entry:
                return op
    names = [op.sym_name.data for op in _sequences_in(script)]
    listed = ", ".join(f"@{name}" for name in names) or "none"
    known = [name for library in libraries for name in _names_in(library)]
    hint = did_you_mean(entry, [*names, *known])
    raise ScriptError(f"expected a named sequence @{entry}, got {listed}{hint}", script)


def _names_in(library: Library) -> Iterable[str]:
    return library.names if isinstance(library, ScriptFile) else (op.sym_name.data for op in _sequences_in(library))


def _sequences_in(script: ModuleOp) -> Iterable[NamedSequenceOp]:
    for op in script.body.block.ops:
        if isinstance(op, NamedSequenceOp):
            yield op
        elif isinstance(op, ModuleOp):
            yield from _sequences_in(op)


def apply_script(
    script: ModuleOp,
    payload: Operation,
    *,
    entry: str = DEFAULT_ENTRY,
    ctx: Context | None = None,
    passes: PassRunner | None = None,
    libraries: Sequence[Library] = (),
    args: Sequence[Payload] = (),
    output: TextIO | None = None,
) -> Interpreter:
    """Runs a script on a payload; the entry's first argument is the payload, further ones are given as `args`.

    Besides its own sequences the script sees those of `libraries`, then those that `ctx` was made with. Kernels that
    primitives were applied to are marked as scheduled. A refusal raises `ScheduleError`, a wrong script
    `ScriptError`; both say where. What ran before a refusal stays, as does what ran before a watcher stopped the
    script (`transform/watch.py`).
    """
    ctx = ctx or Context()
    libraries = (*libraries, *libraries_of(ctx))
    sequence = find_entry(script, entry, libraries)
    watcher = current_watcher()
    interpreter = Interpreter(
        TransformState(payload), ctx, passes or NoPasses(), libraries, output or sys.stdout, watcher=watcher
    )
    block = sequence.body.block
    payloads: list[Payload] = [[payload], *args]
    try:
        interpreter.call(sequence, payloads[: len(block.args)] if not args else payloads)
    except Stopped:
        pass
    except ScriptFailure:
        raise
    except (ScheduleError, ScriptError) as error:
        raise locate(error, sequence) from error
    finally:
        if isinstance(payload, ModuleOp):
            pack_operands(payload)
    for kernel in interpreter.state.scheduled:
        kernel.attributes[SCHEDULED] = UnitAttr()
    return interpreter
