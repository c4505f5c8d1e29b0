"""One walk over a syntax tree: the names that it binds, its calls, and its texts."""

from __future__ import annotations

from collections import defaultdict
from enum import Enum, auto
from typing import TYPE_CHECKING

from attrs import define, field, frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Language, Node, Tree

# A megabyte of bundled code has 250,000 nodes, 9,000 bindings and 7,000 calls; of minified code three times that.
_MOST_NODES = 500_000
_MOST_BINDINGS = 24_000
_MOST_CALLS = 15_000
_MOST_TEXTS = 6_000
_DEEPEST_PATTERN = 6
_LONGEST_NAME = 200


class Kind(Enum):
    """How a name gets a value."""

    VALUE = auto()
    APPENDED = auto()  # +=
    GROWN = auto()  # a part of it is set
    PARAMETER = auto()
    IMPORTED = auto()
    ELEMENT = auto()  # of what a loop goes through
    FUNCTION = auto()


@define(eq=False)
class Scope:
    """A function, or the program, and the names that it binds."""

    node: Node
    end: int
    parent: Scope | None = None
    bindings: dict[bytes, list[Binding]] = field(factory=lambda: defaultdict(list))

    def find(self, name: bytes) -> list[Binding]:
        """The bindings of ``name``, here or around; empty for a global name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.bindings:
                return scope.bindings[name]
            scope = scope.parent
        return []


@frozen
class Binding:
    """A value of a name: that of ``node``, or that part of it to which ``path`` leads.

    ``index`` is the number of a parameter of the function ``node``.
    """

    kind: Kind
    node: Node
    scope: Scope
    path: tuple[str | int, ...] = ()
    index: int = 0


@define
class Program:
    """What the walk over a tree has found.

    Attributes:
        source: the text of the program.
        root: the scope of the program.
        scopes: of functions, by the id of their node.
        calls: calls of functions and constructors, with their scopes.
        returns: what each function returns, by the id of its node.
        imports: the names of the modules of import statements.
        texts: expressions that may give a text which does not stand in the source.
        is_whole: whether the walk came to the end.
    """

    source: bytes
    root: Scope
    scopes: dict[int, Scope] = field(factory=dict)
    calls: list[tuple[Node, Scope]] = field(factory=list)
    returns: dict[int, list[Node]] = field(factory=lambda: defaultdict(list))
    texts: list[tuple[Node, Scope]] = field(factory=list)
    imports: list[Node] = field(factory=list)
    is_whole: bool = True

    def text(self, node: Node) -> bytes:
        """What stands in the source for ``node``, which itself would have to ask the parser for it."""
        return self.source[node.start_byte : node.end_byte]

    def string(self, node: Node) -> str:
        """The same, decoded."""
        return self.text(node).decode("utf-8", "replace")


class Walk:
    """The walk over one tree."""

    def __init__(self, source: bytes, tree: Tree, language: Language) -> None:
        root = tree.root_node
        self._tree = tree
        self._scope = Scope(root, root.end_byte)
        self.program = Program(source, self._scope)
        self._bindings = 0
        self._last_sum = -1
        self._handlers = self._by_kind(language)

    def _by_kind(self, language: Language) -> dict[int, Callable[[Node], None]]:
        functions = (
            "function_declaration function_expression arrow_function method_definition generator_function"
            " generator_function_declaration"
        )
        handlers: dict[str, Callable[[Node], None]] = {
            **dict.fromkeys(functions.split(), self._function),
            **dict.fromkeys(("call_expression", "new_expression"), self._call),
            "assignment_expression": self._assignment,
            "augmented_assignment_expression": self._augmented,
            "binary_expression": self._binary,
            "for_in_statement": self._loop,
            "import_statement": self._import,
            "return_statement": self._return,
            "string": self._string,
            "template_string": self._template,
            "update_expression": self._update,
            "variable_declarator": self._declarator,
        }
        ids = {language.id_for_node_kind(kind, True): handler for kind, handler in handlers.items()}
        return {number: handler for number, handler in ids.items() if number is not None}

    def run(self) -> Program:
        """Walk over the whole tree, or as much of it as may be."""
        cursor = self._tree.walk()
        handlers = self._handlers
        for _ in range(_MOST_NODES):
            node = cursor.node
            handler = handlers.get(node.kind_id) if node is not None else None
            if handler is not None and node is not None:
                while node.start_byte >= self._scope.end and self._scope.parent is not None:
                    self._scope = self._scope.parent
                handler(node)
                if not self.program.is_whole:
                    return self.program
            if cursor.goto_first_child():
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return self.program
        self.program.is_whole = False
        return self.program

    def _bind(self, name: bytes | None, binding: Binding, scope: Scope | None = None) -> None:
        self._bindings += 1
        self.program.is_whole = self._bindings < _MOST_BINDINGS
        if name and len(name) < _LONGEST_NAME:
            (scope or self._scope).bindings[name].append(binding)

    def _function(self, node: Node) -> None:
        outer = self._scope
        name = node.child_by_field_name("name")
        if node.type in {"function_declaration", "generator_function_declaration"} and name is not None:
            self._bind(self.program.text(name), Binding(Kind.FUNCTION, node, outer))
        self._scope = Scope(node, node.end_byte, outer)
        self.program.scopes[node.id] = self._scope
        if node.type in {"function_expression", "generator_function"} and name is not None:
            self._bind(self.program.text(name), Binding(Kind.FUNCTION, node, self._scope))
        single = node.child_by_field_name("parameter")
        parameters = node.child_by_field_name("parameters")
        nodes = [single] if single else _real(parameters) if parameters else []
        for index, parameter in enumerate(nodes):
            self._pattern(_inner(parameter), Binding(Kind.PARAMETER, node, self._scope, index=index))
        body = node.child_by_field_name("body")
        if body is not None and body.type != "statement_block":
            self.program.returns[node.id].append(body)

    def _pattern(self, pattern: Node, binding: Binding, depth: int = 0) -> None:
        """Bind the names of a pattern to the parts of a value."""
        if pattern.type in {"identifier", "shorthand_property_identifier_pattern"}:
            self._bind(self.program.text(pattern), binding)
        elif pattern.type == "assignment_pattern":
            left = pattern.child_by_field_name("left")
            if left is not None:
                self._pattern(left, binding, depth + 1)
        elif depth < _DEEPEST_PATTERN:
            for key, child in self._parts(pattern):
                path = binding.path if key is None else (*binding.path, key)
                part = Binding(binding.kind, binding.node, binding.scope, path, binding.index)
                self._pattern(child, part, depth + 1)

    def _parts(self, pattern: Node) -> list[tuple[str | int | None, Node]]:
        """The patterns inside one, each with the key of the part that it takes."""
        found: list[tuple[str | int | None, Node]] = []
        for index, child in enumerate(_real(pattern)[:64]):
            if child.type == "pair_pattern":
                key, value = child.child_by_field_name("key"), child.child_by_field_name("value")
                if key is not None and value is not None:
                    found.append((self.program.string(key).strip("\"'"), value))
            elif child.type == "shorthand_property_identifier_pattern":
                found.append((self.program.string(child), child))
            elif child.type == "object_assignment_pattern":
                left = child.child_by_field_name("left")
                if left is not None:
                    found.append((self.program.string(left), left))
            elif child.type == "rest_pattern":
                found += [(None, inner) for inner in child.named_children[:1]]
            elif pattern.type == "array_pattern":
                found.append((index, child))
        return found

    def _declarator(self, node: Node) -> None:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None and value is not None:
            self._pattern(name, Binding(Kind.VALUE, value, self._scope))

    def _assignment(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        if left.type == "identifier":
            self._bind(
                self.program.text(left), Binding(Kind.VALUE, right, self._scope), self._owner(self.program.text(left))
            )
        elif left.type in {"member_expression", "subscript_expression"}:
            self._grow(left, right)
        else:
            self._pattern(left, Binding(Kind.VALUE, right, self._scope))

    def _owner(self, name: bytes | None) -> Scope | None:
        """The scope that declares ``name`` already, or that of the program."""
        scope: Scope | None = self._scope
        while scope is not None and scope.parent is not None:
            if name in scope.bindings:
                return scope
            scope = scope.parent
        return scope

    def _augmented(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        if left.type == "identifier":
            self._bind(
                self.program.text(left),
                Binding(Kind.APPENDED, right, self._scope),
                self._owner(self.program.text(left)),
            )
        else:
            self._grow(left, right)

    def _update(self, node: Node) -> None:
        target = node.child_by_field_name("argument")
        if target is not None and target.type == "identifier":
            self._bind(
                self.program.text(target),
                Binding(Kind.GROWN, node, self._scope),
                self._owner(self.program.text(target)),
            )

    def _grow(self, target: Node, value: Node) -> None:
        root: Node | None = target
        for _ in range(_DEEPEST_PATTERN):
            if root is None or root.type not in {"member_expression", "subscript_expression"}:
                break
            root = root.child_by_field_name("object")
        if root is not None and root.type == "identifier":
            self._bind(
                self.program.text(root), Binding(Kind.GROWN, value, self._scope), self._owner(self.program.text(root))
            )

    def _call(self, node: Node) -> None:
        if len(self.program.calls) == _MOST_CALLS:
            self.program.is_whole = False
            return
        self.program.calls.append((node, self._scope))
        callee = node.child_by_field_name("function")
        if callee is None or callee.type != "member_expression":
            return
        method = callee.child_by_field_name("property")
        if method is not None and self.program.text(method) in {b"push", b"set", b"append", b"unshift", b"assign"}:
            arguments = node.child_by_field_name("arguments")
            for argument in _real(arguments)[:4] if arguments else ():
                self._grow(callee, argument)
        elif method is not None and self.program.text(method) in _GIVES_TEXT:
            self._text(node)

    def _binary(self, node: Node) -> None:
        # Of a chain of sums only the whole, which begins where its parts do and is met first.
        if node.start_byte != self._last_sum and node.children[1].type == "+":
            self._last_sum = node.start_byte
            self._text(node)

    def _template(self, node: Node) -> None:
        if any(child.type == "template_substitution" for child in node.named_children):
            self._text(node)
        else:
            self._string(node)

    def _string(self, node: Node) -> None:
        text = self.program.text(node)
        if b"\\x" in text or b"\\u" in text:
            self._text(node)

    def _text(self, node: Node) -> None:
        texts = self.program.texts
        if len(texts) < _MOST_TEXTS and (not texts or texts[-1][0].id != node.id):
            texts.append((node, self._scope))

    def _return(self, node: Node) -> None:
        for child in node.named_children[:1]:
            self.program.returns[self._scope.node.id].append(child)

    def _loop(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is not None and right is not None:
            self._pattern(left, Binding(Kind.ELEMENT, right, self._scope))

    def _import(self, node: Node) -> None:
        source = node.child_by_field_name("source")
        clause = next((child for child in node.named_children if child.type == "import_clause"), None)
        if source is None:
            return
        self.program.imports.append(source)
        if clause is None:
            return
        for child in clause.named_children:
            if child.type == "identifier":
                self._bind(self.program.text(child), Binding(Kind.IMPORTED, source, self._scope, ("default",)))
            elif child.type == "namespace_import":
                for name in child.named_children:
                    self._bind(self.program.text(name), Binding(Kind.IMPORTED, source, self._scope))
            else:
                self._specifiers(child, source)

    def _specifiers(self, clause: Node, source: Node) -> None:
        for specifier in clause.named_children:
            name = specifier.child_by_field_name("name")
            alias = specifier.child_by_field_name("alias") or name
            if name is not None and alias is not None:
                path = (self.program.string(name),)
                self._bind(self.program.text(alias), Binding(Kind.IMPORTED, source, self._scope, path))


# Methods whose result may be a text that does not stand in the source.
_GIVES_TEXT = frozenset({b"join", b"toString", b"fromCharCode", b"fromCodePoint", b"replace", b"concat", b"decode"})


def _real(node: Node) -> list[Node]:
    """The children of ``node`` without comments."""
    return [child for child in node.named_children if child.type != "comment"]


def _inner(parameter: Node) -> Node:
    """The pattern of a parameter, which in TypeScript has a type as well."""
    return parameter.child_by_field_name("pattern") or parameter
