"""The registry: every node type, value type and conversion that is known, by name.

Node types are declared by adding their functions and read when first asked for. What is wrong with one is kept in
`problems` and costs that one: a registry never raises over what a plugin brought.
"""

import logging
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .checkpoints import CheckpointNeed, CheckpointRest, CheckpointState
from .errors import NodeTypeError, nearest
from .memory import DeviceMemory
from .node_types import InputSpec, NodeSpec, OutputSpec
from .signatures import declaration_of, place_of, read_spec
from .validation import shown
from .values import Conversion, ValueType
from .wires import explained, find_conversion, is_same, wire_function

__all__ = ["NodeTypes", "Registry"]

log = logging.getLogger("nodegraph")

Wire = tuple[Any, bool, Any, bool, bool]
Progress = Callable[[int, int, str], None]


class NodeTypes(Mapping[str, NodeSpec]):
    """The node types by id, in the order of declaration; each is read when first asked for, once.

    A type with a mistake is not among them; `refuse` is told what is wrong with it.
    """

    def __init__(self, refuse: Callable[[str, str, Exception], None]) -> None:
        self._declared: dict[str, tuple[Callable[..., Any], str]] = {}
        self._read: dict[str, NodeSpec | None] = {}
        self._refuse = refuse

    def declare(self, type_id: str, function: Callable[..., Any], plugin: str) -> None:
        self._declared[type_id] = (function, plugin)

    def plugin_of(self, type_id: str) -> str | None:
        found = self._declared.get(type_id)
        return found[1] if found else None

    def get(self, type_id: str, default: Any = None) -> Any:
        found = self._read.get(type_id)
        if found is None and type_id not in self._read and type_id in self._declared:
            found = self._read[type_id] = self._read_one(type_id)
        return default if found is None else found

    def _read_one(self, type_id: str) -> NodeSpec | None:
        function, plugin = self._declared[type_id]
        try:
            return read_spec(function, plugin)
        except Exception as error:  # whatever is wrong with a type costs that type only
            self._refuse(type_id, plugin, error)
            return None

    def __getitem__(self, type_id: str) -> NodeSpec:
        found: NodeSpec | None = self.get(type_id)
        if found is None:
            raise KeyError(type_id)
        return found

    def __contains__(self, type_id: object) -> bool:
        return isinstance(type_id, str) and self.get(type_id) is not None

    def __iter__(self) -> Iterator[str]:
        return (type_id for type_id in tuple(self._declared) if self.get(type_id) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Registry:
    """What can be put on the canvas and sent along a wire.

    `Registry()` is empty, for tests and scripts that add functions of their own; `plugins.load_plugins()` makes the
    full one. Adding is for one thread, before use; asking is for any.
    """

    def __init__(
        self,
        functions: Iterable[Callable[..., Any]] = (),
        *,
        value_types: Iterable[ValueType] = (),
        conversions: Iterable[Conversion] = (),
    ) -> None:
        self.node_types = NodeTypes(self._refuse_type)
        self._value_types: dict[type, ValueType] = {}
        self._conversions: list[Conversion] = []
        self._problems: list[str] = []
        self._plugins: dict[str, str] = {}
        self._wires: dict[Wire, Callable[[Any], Any] | None] = {}
        self._migrations: list[tuple[str, Callable[[dict[str, Any]], Any]]] = []
        self._listeners: list[tuple[str, Callable[[Any], None]]] = []
        self._devices: list[tuple[str, Callable[[str], str | None]]] = []
        self._memories: list[tuple[str, Callable[[str, bool], DeviceMemory | None]]] = []
        self._finders: list[tuple[str, Callable[[CheckpointNeed], Any]]] = []
        self._measurers: list[tuple[str, Callable[[CheckpointNeed], Any]]] = []
        self._fetchers: list[tuple[str, Callable[[CheckpointNeed, Progress], Any]]] = []
        self._revision = 0
        for function in functions:
            self.add(function)
        for value_type in value_types:
            self.add_value_type(value_type)
        for conversion in conversions:
            self.add_conversion(conversion)

    # Adding

    def add(self, function: Callable[..., Any], plugin: str = "") -> NodeSpec:
        """Add a decorated function and read it at once; NodeTypeError when it has a mistake or its id is taken."""
        spec = read_spec(function, plugin)
        self.declare(function, plugin)
        return self.node_types[spec.id]

    def declare(self, function: Callable[..., Any], plugin: str = "") -> None:
        """Add a decorated function, to be read later; NodeTypeError when it has no id or the id is taken."""
        declared = declaration_of(function)
        if declared is None or not isinstance(declared.id, str) or not declared.id:
            read_spec(function, plugin)  # raises, saying what is wrong
            return
        taken = self.node_types.plugin_of(declared.id)
        if taken is not None:
            by = f" by {taken}" if taken else ""
            raise NodeTypeError(f"{place_of(function)}: the id {declared.id} is taken{by}")
        self.node_types.declare(declared.id, function, plugin)
        self._revision += 1

    def add_value_type(self, value_type: ValueType) -> None:
        if not isinstance(value_type, ValueType):
            raise NodeTypeError(f"{shown(value_type)} is no ValueType")
        if not isinstance(value_type.type, type):
            raise NodeTypeError(f"a ValueType is of a class, not of {shown(value_type.type)}")
        if any(known.type_name == value_type.type_name for known in self._value_types.values()):
            raise NodeTypeError(f"the value type {value_type.type_name} is there already")
        self._value_types[value_type.type] = value_type

    def add_conversion(self, conversion: Conversion) -> None:
        if not isinstance(conversion, Conversion):
            raise NodeTypeError(f"{shown(conversion)} is no Conversion")
        if not callable(conversion.convert):
            raise NodeTypeError(f"the conversion {conversion.describe()} has no function")
        self._conversions.append(conversion)
        self._wires.clear()
        self._revision += 1

    def add_plugin(self, name: str, version: str) -> None:
        """Note that a distribution was loaded."""
        self._plugins[name] = version

    def add_migration(self, plugin: str, migrate: Callable[[dict[str, Any]], Any]) -> None:
        self._migrations.append((plugin, migrate))

    def add_listener(self, plugin: str, listener: Callable[[Any], None]) -> None:
        self._listeners.append((plugin, listener))

    def add_device_namer(self, plugin: str, namer: Callable[[str], str | None]) -> None:
        self._devices.append((plugin, namer))

    def add_memory_teller(self, plugin: str, tell: Callable[[str, bool], DeviceMemory | None]) -> None:
        self._memories.append((plugin, tell))

    def add_checkpoint_finder(self, plugin: str, find: Callable[[CheckpointNeed], Any]) -> None:
        self._finders.append((plugin, find))

    def add_checkpoint_measurer(self, plugin: str, measure: Callable[[CheckpointNeed], Any]) -> None:
        self._measurers.append((plugin, measure))

    def add_checkpoint_fetcher(self, plugin: str, fetch: Callable[[CheckpointNeed, Progress], Any]) -> None:
        self._fetchers.append((plugin, fetch))

    def add_problem(self, problem: str, error: BaseException | None = None) -> None:
        """Note one line for users; the traceback goes to the log."""
        if problem not in self._problems:
            self._problems.append(problem)
            log.warning("%s", problem, exc_info=error)

    def _refuse_type(self, type_id: str, plugin: str, error: Exception) -> None:
        reason = str(error) if isinstance(error, NodeTypeError) else f"{type_id}: {type(error).__name__}: {error}"
        self.add_problem(f"{plugin}: {reason}" if plugin else reason, error)

    # Asking

    @property
    def revision(self) -> int:
        """Raised when a node type or a conversion is added: what was worked out before may not hold any more."""
        return self._revision

    @property
    def listened(self) -> bool:
        """Whether a plugin listens to events."""
        return bool(self._listeners)

    def device(self, name: str) -> str:
        """The device that a name means here, such as "cuda:0" for "auto"; ValueError when it is not here."""
        for plugin, namer in self._devices:
            try:
                found = namer(name)
            except ValueError:
                raise
            except Exception as error:  # a plugin's function may raise anything; the next may know
                self.add_problem(f"{plugin}: nodegraph_device failed: {type(error).__name__}: {error}", error)
                continue
            if found is not None:
                return found
        return "cpu" if name == "auto" else name

    def memory(self, device: str, tidy: bool = False) -> DeviceMemory | None:
        """What a device has free and in all, as the first plugin says that knows it.

        With `tidy`, all plugins give back first what they keep there for nothing.
        """
        known = None
        for plugin, tell in self._memories:
            try:
                found = tell(device, tidy)
            except Exception as error:  # a plugin's function may raise anything; the next may know
                self.add_problem(f"{plugin}: nodegraph_memory failed: {type(error).__name__}: {error}", error)
                continue
            if found is not None and not isinstance(found, DeviceMemory):
                self.add_problem(f"{plugin}: nodegraph_memory returned {shown(found)}, must be a DeviceMemory")
                continue
            known = found if known is None else known
            if known is not None and not tidy:
                break
        return known

    def checkpoint_state(self, need: CheckpointNeed) -> CheckpointState:
        """What is on this machine of a checkpoint, as the first plugin says that knows it; never the network."""
        for plugin, find in self._finders:
            try:
                found = find(need)
            except Exception as error:  # a plugin's function may raise anything; the next may know
                self.add_problem(f"{plugin}: nodegraph_checkpoint failed: {type(error).__name__}: {error}", error)
                continue
            if isinstance(found, CheckpointState):
                return found
            if found is not None:
                self.add_problem(f"{plugin}: nodegraph_checkpoint returned {shown(found)}, must be a CheckpointState")
        return CheckpointState("wrong", message=f"{need.checkpoint} is a checkpoint that no plugin here knows")

    def checkpoint_rest(self, need: CheckpointNeed) -> CheckpointRest:
        """What would have to be downloaded of a checkpoint; asks the network. ValueError when that cannot be told."""
        for _, measure in self._measurers:
            found = measure(need)
            if isinstance(found, CheckpointRest):
                return found
        raise ValueError(f"no plugin here knows how large {need.checkpoint} is")

    def fetch_checkpoint(self, need: CheckpointNeed, progress: Progress) -> None:
        """Download what is missing of a checkpoint; ValueError when that fails."""
        if not any(fetch(need, progress) for _, fetch in self._fetchers):
            raise ValueError(f"no plugin here knows where to download {need.checkpoint}")

    @property
    def plugins(self) -> Mapping[str, str]:
        """Name and version of each distribution that was loaded, the built-in one first."""
        return MappingProxyType(self._plugins)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with plugins and node types, a line each. Reads all that are still unread."""
        for spec in self.node_types.values():
            why_not = self.why_not_kept(spec)
            if why_not:
                self.add_problem(why_not)
        return tuple(self._problems)

    @property
    def value_types(self) -> Mapping[type, ValueType]:
        return MappingProxyType(self._value_types)

    @property
    def conversions(self) -> tuple[Conversion, ...]:
        return tuple(self._conversions)

    def get(self, type_id: str) -> NodeSpec | None:
        """The node type of that id; None when there is none or when its declaration has a mistake."""
        found: NodeSpec | None = self.node_types.get(type_id)
        return found

    def why_missing(self, type_id: str) -> str:
        """What to say of an id that `get` knows no node type of."""
        if self.get(type_id) is not None:
            return ""
        plugin = self.node_types.plugin_of(type_id)
        if plugin is not None:
            found = next((problem for problem in self._problems if f"({type_id}): " in problem), "")
            return f"the declaration of {type_id} has a mistake: {found}" if found else f"{type_id} cannot be read"
        close = nearest(type_id, self.node_types)
        return f"there is no node type {type_id}" + (f" ({close})" if close else "")

    def convertible(
        self, source: OutputSpec, target: InputSpec, index: int | None = None
    ) -> Callable[[Any], Any] | None:
        """What a link does to the value on its way, the identity for equal types; None when they do not fit.

        `index` is that of the link: `-> sum.parts[0]`. What goes through is still to be validated by the input.
        """
        key = (source.type, source.is_list, target.type, target.indexed, index is not None)
        try:
            return self._wires[key]
        except KeyError:
            found = self._wires[key] = wire_function(source, target, index is not None, self._conversions)
            return found

    def conversion(self, source: OutputSpec, target: InputSpec) -> Conversion | None:
        """The registered conversion that a link between the two would apply, to be shown on the wire."""
        if is_same(source.type, target.type):
            return None
        return find_conversion(source.type, target.type, self._conversions)

    def why_not(self, source: OutputSpec, target: InputSpec, index: int | None = None) -> str:
        """Why the two cannot be linked: "denoiser is a Denoiser, image takes an Image"; "" when they can."""
        return explained(source, target, index is not None, self._conversions)

    def value_type_of(self, value: Any) -> ValueType | None:
        """The declaration for the class of a value, or for its nearest base."""
        for kind in type(value).__mro__:
            if kind in self._value_types:
                return self._value_types[kind]
        return None

    def why_not_kept(self, spec: NodeSpec) -> str:
        """Why a node type with `cache="disk"` is cached in memory only; "" for all others."""
        if spec.cache != "disk":
            return ""
        owner = f"{spec.plugin}: {spec.id}" if spec.plugin else spec.id
        for output in spec.outputs:
            what = f'{owner} has cache="disk", but its {output.name} cannot be kept there'
            if output.type is Path:
                return f"{what}: a path may lead nowhere by then"
            found = self._value_types.get(output.type)
            if not output.is_data and (found is None or found.save is None or found.load is None):
                return f"{what}: the ValueType of {output.type_name} needs both save and load"
        return ""

    def nbytes(self, value: Any) -> Iterable[tuple[Hashable, int]]:
        """Pairs (storage, bytes) of a value or of a list of values; equal storages are to be counted once."""
        if isinstance(value, (list, tuple)) and self.value_type_of(value) is None:
            yield ("object", id(value)), sys.getsizeof(value)
            for item in value:
                yield from self.nbytes(item)
            return
        found = self.value_type_of(value)
        if found is not None and found.nbytes is not None:
            try:
                yield from list(found.nbytes(value))
                return
            except Exception as error:  # a plugin's function may raise anything; its value is then counted as opaque
                self.add_problem(f"the size of a {found.name} cannot be told: {type(error).__name__}: {error}", error)
        yield ("object", id(value)), sys.getsizeof(value)

    def migrate(self, node: dict[str, Any]) -> dict[str, Any]:
        """A node of a file as the plugins would write it today; each sees what the one before it made."""
        for plugin, migrate in self._migrations:
            try:
                changed = migrate(deepcopy(node))
                if changed is not None and not isinstance(changed, dict):
                    raise TypeError(f"nodegraph_migrate returned {shown(changed)}, must be a dict or None")
                node = node if changed is None else changed
            except Exception as error:  # a plugin's function may raise anything
                what = f"{node.get('type', '?')} cannot be migrated: {type(error).__name__}: {error}"
                self.add_problem(f"{plugin}: {what}", error)
        return node

    def emit(self, event: Any) -> None:
        """Tell the plugins of an event; one that raises is reported and told no more."""
        for listener in tuple(self._listeners):
            try:
                listener[1](event)
            except Exception as error:  # a plugin's function may raise anything
                self.add_problem(f"{listener[0]}: nodegraph_event failed: {type(error).__name__}: {error}", error)
                if listener in self._listeners:
                    self._listeners.remove(listener)

    def describe(self) -> dict[str, Any]:
        """Everything as JSON."""
        return {
            "node_types": {type_id: spec.describe() for type_id, spec in self.node_types.items()},
            "value_types": [value_type.describe() for value_type in self._value_types.values()],
            "conversions": [conversion.describe() for conversion in self._conversions],
            "plugins": dict(self._plugins),
            "problems": list(self.problems),
        }
