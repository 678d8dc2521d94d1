"""Scripts operation by operation: the IR after each, or what each changes."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff
from io import StringIO
from typing import TextIO

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation
from xdsl.printer import Printer

from ..dialects.source import describe_location
from ..errors import ScheduleError
from ..transform.diagnostics import Refusal, first_line
from ..transform.watch import Stopped, Watcher

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def _text(op: Operation, *, generic: bool = False) -> str:
    stream = StringIO()
    Printer(stream, print_generic_format=generic).print_op(op)
    return stream.getvalue()


def _functions(root: Operation) -> Iterator[FuncOp]:
    if isinstance(root, FuncOp):
        yield root
    elif isinstance(root, ModuleOp):
        for op in root.body.block.ops:
            yield from _functions(op)


def _title(op: Operation) -> str:
    place = describe_location(op)
    return f"{f'{place}: ' if place else ''}{first_line(op)}"


class PrintAfterEach(Watcher):
    """Prints the functions of the payload after each operation."""

    def __init__(self, stream: TextIO, *, generic: bool = False) -> None:
        self.stream = stream
        self.generic = generic

    def after(self, op: Operation, root: Operation) -> None:
        self._print(f"IR Dump After {_title(op)}", root)

    def undone(self, op: Operation, root: Operation) -> None:
        self._print(f"IR Dump After undoing an alternative of {_title(op)}", root)

    def _print(self, title: str, root: Operation) -> None:
        self.stream.write(f"// -----// {title} //----- //\n")
        for function in _functions(root):
            self.stream.write(f"{_text(function, generic=self.generic)}\n\n")
        self.stream.flush()


class Stepper(Watcher):
    """Prints each operation with the difference that it makes to each function; on a terminal in colours, and waits."""

    def __init__(self, stream: TextIO, *, interactive: bool) -> None:
        self.stream = stream
        self.interactive = interactive
        self.waits = interactive
        self._count = 0
        self._root: Operation | None = None
        self._known: dict[str, str] = {}

    def before(self, op: Operation, root: Operation) -> None:
        if root is not self._root:
            self._root, self._known = root, self._texts(root)

    def after(self, op: Operation, root: Operation) -> None:
        self._count += 1
        self._show(f"[{self._count}] {_title(op)}", root)

    def refused(self, op: Operation, root: Operation, error: ScheduleError) -> None:
        self._count += 1
        message = error.message if isinstance(error, Refusal) else str(error)
        self._show(f"[{self._count}] {_title(op)}\nrefused: {message}", root)

    def undone(self, op: Operation, root: Operation) -> None:
        self._show(f"undone: an alternative of {_title(op)}", root)

    def _texts(self, root: Operation) -> dict[str, str]:
        return {f"{i} @{func.sym_name.data}": _text(func) for i, func in enumerate(_functions(root))}

    def _show(self, title: str, root: Operation) -> None:
        lines = title.splitlines()
        now = self._texts(root)
        for key in dict.fromkeys([*self._known, *now]):
            before, after = self._known.get(key, ""), now.get(key, "")
            if before != after:
                name = key.partition(" ")[2]
                lines += unified_diff(before.splitlines(), after.splitlines(), name, name, n=2, lineterm="")
        self._known = now
        self._write(lines)
        if self.waits:
            self._wait(root)

    def _write(self, lines: list[str]) -> None:
        if self.interactive and _write_in_colours(lines, self.stream):
            return
        self.stream.write("\n".join(lines) + "\n")
        self.stream.flush()

    def _wait(self, root: Operation) -> None:
        while self.waits:
            try:
                answer = input("enter: next, p: print the IR, c: continue, q: stop here > ").strip()
            except EOFError:
                answer = "c"
            if answer == "p":
                self._write("\n".join(self._known.values()).splitlines())
            elif answer == "c":
                self.waits = False
            elif answer == "q":
                raise Stopped
            else:
                return


def _write_in_colours(lines: list[str], stream: TextIO) -> bool:
    """Writes in colours if `rich` is there; says whether it is."""
    try:
        from rich.console import Console
        from rich.text import Text
    except ImportError:
        return False
    console = Console(file=stream, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text(line, _STYLES.get(line[:1], "bold" if line.startswith("[") else "")))
    return True
