"""What a pickle says, without doing what it says.

A pickle is a program: loading it with Python runs whatever it names. Here its opcodes are only read (with the
standard library's disassembler) and plain data is built from them. A global never becomes code: it stays a
:class:`Named`, and calling it makes a :class:`Made`, a note of what would have been called with what.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 10_000
"""Marks that may be open at once; real files stay below ten."""


class PickleDamaged(ValueError):
    """The bytes are no well-formed pickle; the text says where."""


@dataclass(frozen=True)
class Named:
    """A global that the pickle refers to, e.g. ``collections.OrderedDict``."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Made:
    """The result of a call that was not made. how: ``call`` (the global would run) or ``new`` (an object of this
    class would be created); state: what would be stored in the object."""

    what: Named
    arguments: tuple[Any, ...]
    how: str
    state: Any = None
    items: list[Any] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Persistent:
    """A reference to something outside the pickle (torch: a tensor's storage)."""

    key: Any


@dataclass(frozen=True, eq=False)
class PickledValue:
    """value: the top-level object; called: globals that loading would run; created: classes that it would
    instantiate. Both in order of appearance, each once."""

    value: Any
    called: tuple[str, ...]
    created: tuple[str, ...]
    size: int


class _Mark:
    pass


_MARK = _Mark()
_ORDERED_DICT = Named("collections", "OrderedDict")
_ENCODE = Named("_codecs", "encode")
_OLD_NAMES = {"__builtin__": "builtins", "copy_reg": "copyreg"}


def read_pickle(data: bytes, make: Callable[[Named, tuple[Any, ...]], Any] | None = None) -> PickledValue:
    """Interpret one pickle at the start of ``data``.

    make: asked for every call of a global; returns the value that the call stands for, or None if it does
    not know the global (it then becomes a Made). Raises PickleDamaged.
    """
    return _Machine(make or (lambda _what, _arguments: None)).run(data)


class _Machine:
    """The pickle stack machine. Opcodes are grouped by what they do; see PEP 3154 and pickletools."""

    def __init__(self, make: Callable[[Named, tuple[Any, ...]], Any]) -> None:
        self.make = make
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.called: dict[str, None] = {}
        self.created: dict[str, None] = {}
        self.marks = 0

    def run(self, data: bytes) -> PickledValue:
        position = 0
        try:
            for opcode, argument, position in pickletools.genops(data):
                if opcode.name == "STOP":
                    return PickledValue(self.pop(), tuple(self.called), tuple(self.created), (position or 0) + 1)
                self.step(opcode.name, argument)
        except PickleDamaged as error:
            raise PickleDamaged(f"{error} (byte {position})") from error
        except (
            ValueError,
            KeyError,
            IndexError,
            TypeError,
            AttributeError,
            OverflowError,
            MemoryError,
            RecursionError,
        ) as error:
            raise PickleDamaged(f"{type(error).__name__}: {error} (after byte {position})") from error
        raise PickleDamaged("the pickle has no end")

    def step(self, name: str, argument: Any) -> None:
        if name in _IGNORED:
            return
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _VALUES:
            self.stack.append(argument)
        else:
            method = getattr(self, f"op_{name.lower()}", None)
            if method is None:
                raise PickleDamaged(f"opcode {name} is not used by torch: refused")
            method(argument)

    # the stack ------------------------------------------------------------------------------------------
    def pop(self) -> Any:
        if not self.stack:
            raise PickleDamaged("the stack is empty")
        value = self.stack.pop()
        if value is _MARK:
            raise PickleDamaged("a value is missing before a mark")
        return value

    def pop_to_mark(self) -> list[Any]:
        for k in range(len(self.stack) - 1, -1, -1):
            if self.stack[k] is _MARK:
                items = self.stack[k + 1 :]
                del self.stack[k:]
                self.marks -= 1
                return items
        raise PickleDamaged("a mark is missing")

    def op_mark(self, _: Any) -> None:
        self.marks += 1
        if self.marks > MAX_DEPTH:
            raise PickleDamaged("nested too deeply")
        self.stack.append(_MARK)

    def op_pop(self, _: Any) -> None:
        if self.stack and self.stack[-1] is _MARK:
            self.marks -= 1
            self.stack.pop()
        else:
            self.pop()

    def op_pop_mark(self, _: Any) -> None:
        self.pop_to_mark()

    def op_dup(self, _: Any) -> None:
        self.stack.append(self.peek())

    def peek(self) -> Any:
        value = self.pop()
        self.stack.append(value)
        return value

    def op_put(self, argument: Any) -> None:
        self.memo[int(argument)] = self.peek()

    op_binput = op_long_binput = op_put

    def op_memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.peek()

    def op_get(self, argument: Any) -> None:
        if int(argument) not in self.memo:
            raise PickleDamaged(f"refers to value {argument}, which was never stored")
        self.stack.append(self.memo[int(argument)])

    op_binget = op_long_binget = op_get

    # containers -----------------------------------------------------------------------------------------
    def op_tuple(self, _: Any) -> None:
        self.stack.append(tuple(self.pop_to_mark()))

    def op_tuple1(self, _: Any) -> None:
        self.stack.append((self.pop(),))

    def op_tuple2(self, _: Any) -> None:
        second, first = self.pop(), self.pop()
        self.stack.append((first, second))

    def op_tuple3(self, _: Any) -> None:
        third, second, first = self.pop(), self.pop(), self.pop()
        self.stack.append((first, second, third))

    def op_list(self, _: Any) -> None:
        self.stack.append(self.pop_to_mark())

    op_frozenset = op_list

    def op_dict(self, _: Any) -> None:
        items = self.pop_to_mark()
        self.stack.append({})
        self.fill(items)

    def op_append(self, _: Any) -> None:
        item = self.pop()
        self.extend([item])

    def op_appends(self, _: Any) -> None:
        self.extend(self.pop_to_mark())

    op_additems = op_appends

    def extend(self, items: list[Any]) -> None:
        target = self.peek()
        if isinstance(target, Made):
            target.items.extend(items)
        elif isinstance(target, list):
            target.extend(items)
        else:
            raise PickleDamaged("appends to something that is no list")

    def op_setitem(self, _: Any) -> None:
        value, key = self.pop(), self.pop()
        self.fill([key, value])

    def op_setitems(self, _: Any) -> None:
        self.fill(self.pop_to_mark())

    def fill(self, items: list[Any]) -> None:
        target = self.peek()
        if len(items) % 2:
            raise PickleDamaged("a key without a value")
        if isinstance(target, Made):
            target.items.extend(zip(items[::2], items[1::2], strict=True))
        elif isinstance(target, dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                target[_hashable(key)] = value
        else:
            raise PickleDamaged("stores an item in something that is no dictionary")

    # globals: named, never called -------------------------------------------------------------------------
    def op_global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.stack.append(Named(_OLD_NAMES.get(module, module), name))

    def op_stack_global(self, _: Any) -> None:
        name, module = self.pop(), self.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise PickleDamaged("the name of a global is no text")
        self.stack.append(Named(_OLD_NAMES.get(module, module), name))

    def op_reduce(self, _: Any) -> None:
        arguments, what = self.pop(), self.pop()
        self.call(what, arguments, "call")

    def op_newobj(self, _: Any) -> None:
        arguments, what = self.pop(), self.pop()
        self.call(what, arguments, "new")

    def op_newobj_ex(self, _: Any) -> None:
        self.pop()
        self.op_newobj(None)

    def op_obj(self, _: Any) -> None:
        what, *arguments = self.pop_to_mark()
        self.call(what, tuple(arguments), "call")

    def op_inst(self, argument: str) -> None:
        arguments = tuple(self.pop_to_mark())
        self.op_global(argument)
        self.call(self.pop(), arguments, "call")

    def call(self, what: Any, arguments: Any, how: str) -> None:
        if not isinstance(what, Named) or not isinstance(arguments, tuple):
            raise PickleDamaged(f"calls {type(what).__name__}, which is no global")
        if what == _ORDERED_DICT:
            pairs = arguments[0] if arguments else []
            self.stack.append({_hashable(key): value for key, value in pairs})
            return
        if what == _ENCODE and len(arguments) == 2 and isinstance(arguments[0], str) and arguments[1] == "latin1":
            self.stack.append(arguments[0].encode("latin1"))  # how protocol 2 writes bytes
            return
        value = self.make(what, arguments) if how == "call" else None
        if value is None:
            (self.called if how == "call" else self.created).setdefault(str(what))
            value = Made(what, arguments, how)
        self.stack.append(value)

    def op_build(self, _: Any) -> None:
        state, target = self.pop(), self.peek()
        if isinstance(target, Made):
            target.state = state
        # attributes of anything else (an OrderedDict's _metadata) carry nothing that is needed

    def op_binpersid(self, _: Any) -> None:
        self.stack.append(Persistent(self.pop()))

    def op_persid(self, argument: str) -> None:
        self.stack.append(Persistent(argument))


def _hashable(key: Any) -> Any:
    if isinstance(key, str | int | float | bool | bytes | Named) or key is None:
        return key
    if isinstance(key, tuple):
        return tuple(_hashable(part) for part in key)
    raise PickleDamaged(f"a {type(key).__name__} as a dictionary key")


_IGNORED = frozenset({"PROTO", "FRAME"})
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": list,
}
_VALUES = frozenset(
    {
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "LONG4",
        "FLOAT",
        "BINFLOAT",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
        "UNICODE",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
    }
)
