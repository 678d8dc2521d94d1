"""What a plugin brings, and how plugins are found.

A plugin is a package with an entry point of the group `stepwell.plugins` whose value is a subclass of `Plugin`:

    [project.entry-points."stepwell.plugins"]
    toy = "stepwell_toy:ToyPlugin"

Each method is a slot; what a plugin does not bring it leaves as it is here. Slots give names and factories, so that
asking for the names loads nothing. `docs/plugins.md` builds a plugin step by step.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast

from xdsl.ir import Dialect, Operation
from xdsl.passes import ModulePass

from ..errors import StepwellError

if TYPE_CHECKING:
    # They need numpy, which takes longer to import than all the rest of `stepwell-opt`.
    from .backend import Backend
    from .oracles.semantics import Semantics

SpaceRule: TypeAlias = "Callable[[Any], Iterator[Any]]"
"""From a `Subject` to `Sketch`es of `stepwell.autotune.space`."""

API_VERSION = 1
"""The version of the slots below. It goes up when a change breaks plugins."""

ENTRY_POINT_GROUP = "stepwell.plugins"


class PluginWarning(UserWarning):
    """A plugin cannot be used; everything else works."""


class PluginError(StepwellError):
    """What a plugin offers was asked for, and does not load."""


class Plugin:
    """What a package adds to Stepwell. Names are the plugin's own: one whose name is taken is left out as a whole."""

    api_version: ClassVar[int]
    """The `API_VERSION` that the plugin was written for, as a literal number."""
    name: ClassVar[str]

    def dialects(self) -> Mapping[str, Callable[[], Dialect]]:
        """Dialects by name. Their operations may implement the interfaces of any rung."""
        return {}

    def passes(self) -> Mapping[str, Callable[[], type[ModulePass]]]:
        """Passes by name, for any pipeline."""
        return {}

    def transform_ops(self) -> Mapping[str, Callable[[], type[Operation]]]:
        """Operations for transform scripts by full name, in a dialect of the plugin's own. They implement
        `stepwell.transform.interfaces.TransformOpInterface`."""
        return {}

    def schedules(self) -> Sequence[str | os.PathLike[str]]:
        """Paths of schedule libraries (`.mlir`), packaged beside the plugin's code: any script may include their named
        sequences, and `apply-schedules{entry-point=NAME}` starts at one."""
        return ()

    def backends(self) -> Mapping[str, Callable[[], Backend]]:
        """Backends by the name that `--target` takes."""
        return {}

    def oracle_semantics(self) -> Mapping[str, Callable[[], Semantics]]:
        """What operations compute on arrays, for the oracles, by the operation's full name."""
        return {}

    def space_rules(self) -> Mapping[str, Callable[[], SpaceRule]]:
        """Rules by name that write sketches of schedules for the tuner: functions of a
        `stepwell.autotune.space.build.Subject`."""
        return {}


@cache
def load_plugins() -> tuple[Plugin, ...]:
    """Every plugin installed that loads, each warned about once that does not. Their names may clash."""
    return tuple(_usable(entry_points(group=ENTRY_POINT_GROUP)))


def warn_ignored(name: str, reason: str) -> None:
    """Tell the user that a plugin is not used, and why."""
    warnings.warn(f"plugin '{name}' is ignored: {reason}", PluginWarning, stacklevel=3)


def _usable(found: Sequence[EntryPoint]) -> Iterator[Plugin]:
    for entry_point in sorted(found, key=lambda each: each.name):
        try:
            plugin = _load(entry_point)
        # A plugin is foreign code: whatever goes wrong in it, the tools must stay usable.
        except Exception as error:
            warn_ignored(entry_point.name, describe_failure(error))
        else:
            yield plugin


def describe_failure(error: Exception) -> str:
    """What went wrong in foreign code, on one line."""
    return (str(error) or type(error).__name__).partition("\n")[0]


def _load(entry_point: EntryPoint) -> Plugin:
    loaded: object = entry_point.load()
    if isinstance(loaded, type) and issubclass(loaded, Plugin):
        _check_version(loaded)
        return _checked(loaded())
    raise TypeError(f"expected a subclass of Plugin, got {loaded!r}")


def _check_version(plugin: type[Plugin]) -> None:
    version = getattr(plugin, "api_version", None)
    if version != API_VERSION:
        raise TypeError(f"expected api_version {API_VERSION}, got {version}")
    if not isinstance(getattr(plugin, "name", None), str):
        raise TypeError(f"expected a name, got {getattr(plugin, 'name', None)!r}")


_MAPPING_SLOTS = ("dialects", "passes", "transform_ops", "backends", "oracle_semantics", "space_rules")


def _checked(plugin: Plugin) -> Plugin:
    """Ask every slot once, so that a broken plugin is found here and not in the middle of a compilation."""
    for slot in _MAPPING_SLOTS:
        offered: object = getattr(plugin, slot)()
        if not isinstance(offered, Mapping):
            raise TypeError(f"expected a mapping from {slot}(), got {offered!r}")
        for name, factory in cast(Mapping[object, object], offered).items():
            if not isinstance(name, str) or not callable(factory):
                raise TypeError(f"expected names with factories from {slot}(), got {name!r}: {factory!r}")
    for name in (*plugin.transform_ops(), *plugin.oracle_semantics()):
        if "." not in name:
            raise TypeError(f"expected the full name of an operation, got '{name}'")
    for path in plugin.schedules():
        if not os.path.isfile(path):
            raise FileNotFoundError(f"expected a schedule library, got no file '{os.fspath(path)}'")
    return plugin
