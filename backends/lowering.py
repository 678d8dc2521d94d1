"""How kernels get from the loop rung to native code: by which backend, and by which passes.

A module says so where that does not follow from its target. Kernels that go different ways are different ones: what was
measured of one says nothing about the other.
"""

from __future__ import annotations

import os
from functools import lru_cache

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr

from ..dialects.loop import BACKEND, PIPELINE
from ..errors import PipelineError, TargetError
from ..passes.common.transform_interpreter import TransformInterpreterPass
from ..passes.loop.apply_schedules import ApplySchedulesPass, split_at_schedules
from ..passes.pass_manager import PassManager, Step, build_pipeline
from ..passes.script_pipeline import expand_scripts
from ..transform.interpreter import DEFAULT_ENTRY
from ..transform.target import target_of
from .backend import Backend
from .registry import backend_of, get_backend, make_context, pass_registry


def script_steps(path: str, ctx: Context) -> PassManager:
    """The steps of a pipeline that is the file of a script."""
    script = TransformInterpreterPass(script=path)
    return expand_scripts(PassManager((Step(script, quiet=True),), pass_registry()), ctx)


@lru_cache(maxsize=8)
def _read_once(path: str, modified: int) -> PassManager:
    return script_steps(path, make_context())


def own_steps(backend: Backend, ctx: Context | None = None) -> PassManager:
    """The steps of a backend's own pipeline, which is read once, and again when somebody edits it."""
    path = str(backend.pipeline)
    if not os.path.isfile(path):
        return script_steps(path, ctx or make_context())
    return _read_once(path, os.stat(path).st_mtime_ns)


def steps_of_kernels(manager: PassManager) -> PassManager:
    """The steps that kernels go through one by one: from where they are scheduled on.

    Raises:
        PipelineError: if they are not scheduled.
    """
    parts = split_at_schedules(manager)
    if parts is None:
        raise PipelineError("expected a pipeline with pass 'apply-schedules' to tune kernels, got none")
    return parts[1]


def mark_lowering(module: ModuleOp, backend: Backend, pipeline: PassManager | None = None) -> None:
    """Lets a module say by which backend and by which passes its kernels are lowered, as far as its target does not
    say it. `pipeline`: what takes the place of the backend's own."""
    for name in (BACKEND, PIPELINE):
        module.attributes.pop(name, None)
    target = module.attributes.get(backend.target_attribute)
    if target is not None and backend_of(target).name != backend.name:
        module.attributes[BACKEND] = StringAttr(backend.name)
    parts = None if pipeline is None else split_at_schedules(pipeline)
    if parts is not None:
        text = str(parts[1].pipeline())
        own = split_at_schedules(own_steps(backend))
        if own is None or text != str(own[1].pipeline()):
            module.attributes[PIPELINE] = StringAttr(text)


def backend_for(module: ModuleOp) -> Backend:
    """What compiles a module: the backend that it names, else the first one for its target.

    Raises:
        TargetError: if there is none.
    """
    name = module.attributes.get(BACKEND)
    if isinstance(name, StringAttr):
        return get_backend(name.data)
    target = target_of(module)
    if target is None:
        raise TargetError("expected a module with a target, got none")
    return backend_of(target)


def kernel_steps(module: ModuleOp) -> PassManager:
    """The steps that kernels of a module go through from where they are scheduled on.

    Raises:
        PipelineError: if they are not scheduled.
    """
    text = module.attributes.get(PIPELINE)
    if isinstance(text, StringAttr):
        return build_pipeline(text.data, pass_registry())
    return steps_of_kernels(own_steps(backend_for(module)))


def schedule_entry(module: ModuleOp) -> str:
    """The named sequence at which the schedules of a module's kernels start, if nobody gives others."""
    first = kernel_steps(module).steps[0].pass_
    return first.entry_point if isinstance(first, ApplySchedulesPass) else DEFAULT_ENTRY
