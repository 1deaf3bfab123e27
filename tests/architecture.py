"""The house rules, read from the syntax tree: floors, owners of libraries, names, sizes, swallowed errors.

``violations(root)`` reads every module of ``app.py``, ``core`` and ``pages`` under a folder and answers what
breaks a rule. Nothing is imported, so a module that cannot even start is judged as well.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FLOORS: Final[Mapping[str, tuple[int, str]]] = {
    "core.domain": (0, "words"),
    "core.data": (1, "science"),
    "core.features": (1, "science"),
    "core.models": (1, "science"),
    "core.evaluation": (1, "science"),
    "core.explanation": (1, "science"),
    "core.search": (1, "science"),
    "core.tracking": (2, "records"),
    "core.workflows": (3, "acts"),
    "core.jobs": (3, "acts"),
    "core.charts": (4, "pictures"),
    "core.cli": (5, "doors"),
    "core.__main__": (5, "doors"),
    "core.serving": (5, "doors"),
    "app": (6, "roof"),
    "pages": (6, "roof"),
}
"""Each room's height, from the ground up. A module imports from floors below it, or beside it without a circle."""

OWNERS: Final[Mapping[str, tuple[str, ...]]] = {
    "streamlit": ("app", "pages"),
    "plotly": ("core.charts",),
    "mlflow": ("core.tracking", "core.serving"),
    "dbos": ("core.jobs",),
    "optuna": ("core.search",),
    "typer": ("core.cli", "core.__main__"),
    "fastapi": ("core.serving",),
}
"""A library with an owner is imported there and nowhere else."""

NOT_IN_PAGES: Final = frozenset({"lightgbm", "numpy", "pandas", "scipy", "sklearn"})
"""A screen that imports these computes; it should ask ``core`` instead."""

WORDS_MAY_IMPORT: Final = frozenset({"pydantic", "yaml"}) | sys.stdlib_module_names

VAGUE_NAMES: Final = frozenset({"helper", "helpers", "manager", "managers", "misc", "util", "utils"})

LONGEST_MODULE: Final = 400

FACE: Final = "core"
"""``core/__init__.py`` is the public face: it names what stands on the floors above it, and loads it lazily."""

BY_NAME: Final = frozenset({FACE, "core.domain.families", "core.models.families"})
"""What imports by a computed name: the face, the families' files beside the module, and the estimator each names."""


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One broken rule. ``file`` is relative to the root, with forward slashes."""

    file: str
    line: int
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: [{self.rule}] {self.what}"


@dataclass(frozen=True, slots=True)
class Module:
    """One parsed file under its dotted name; a package goes by the name of its folder."""

    name: str
    file: str
    tree: ast.Module
    lines: int

    @property
    def is_package(self) -> bool:
        return self.file.endswith("__init__.py")

    def breaks(self, rule: str, line: int, what: str) -> Violation:
        return Violation(self.file, line, rule, what)


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name. ``target`` is a module of the house where there is one, else the dotted name as written."""

    target: str
    line: int


def violations(root: Path) -> list[Violation]:
    """Everything under ``root`` that breaks a house rule, in file order; empty when the house stands."""
    modules, broken = _read(root)
    if not modules and not broken:
        return [Violation(".", 1, "nothing-read", f"there is no module under {root}: nothing was proved")]
    imports = {module.name: list(_imports(module, modules)) for module in modules.values()}
    found = list(broken)
    for module in modules.values():
        found += _floors(module, imports[module.name], modules)
        found += _owners(module, imports[module.name])
        found += _opaque_imports(module)
        found += _work_at_import(module)
        found += _swallowed_errors(module)
        found += _raw_html(module)
        found += _names_and_sizes(module)
    found += _circles(modules, imports)
    return sorted(found)


def _read(root: Path) -> tuple[dict[str, Module], list[Violation]]:
    modules: dict[str, Module] = {}
    broken: list[Violation] = []
    files = [root / "app.py", *(root / "core").rglob("*.py"), *(root / "pages").rglob("*.py")]
    for path in sorted(path for path in files if path.is_file()):
        relative = path.relative_to(root)
        source = path.read_text(encoding="utf-8")
        parts = relative.with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        try:
            tree = ast.parse(source)
        except SyntaxError as error:
            broken.append(Violation(relative.as_posix(), error.lineno or 1, "syntax", str(error.msg)))
            continue
        modules[name] = Module(name, relative.as_posix(), tree, len(source.splitlines()))
    return modules, broken


def _imports(module: Module, modules: Mapping[str, Module]) -> Iterator[Import]:
    """Every import, wherever it stands: at the top, in a function, under TYPE_CHECKING, or by a literal name."""
    face = _lazy_names(modules.get(FACE))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute(module, node)
            for alias in node.names:
                whole = f"{origin}.{alias.name}"
                if origin == FACE and alias.name in face:
                    yield Import(face[alias.name], node.lineno)
                else:
                    yield Import(whole if whole in modules else origin, node.lineno)
        elif isinstance(node, ast.Call) and _is_import_call(node):
            literal = _literal_argument(node)
            if literal is not None:
                yield Import(literal, node.lineno)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _lazy_names(face: Module | None) -> dict[str, str]:
    """The face's lazily loaded names and the module each comes from: its literal ``name: "core.…"`` table."""
    if face is None:
        return {}
    return {
        key.value: value.value
        for table in ast.walk(face.tree)
        if isinstance(table, ast.Dict)
        for key, value in zip(table.keys, table.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    }


def _is_import_call(call: ast.Call) -> bool:
    match call.func:
        case ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"):
            return True
        case _:
            return False


def _literal_argument(call: ast.Call) -> str | None:
    match call.args:
        case [ast.Constant(value=str(name)), *_]:
            return name
        case _:
            return None


def _room(name: str) -> str | None:
    """The room of the floors table a dotted name lies in."""
    return next((room for room in FLOORS if _within(name, room)), None)


def _within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def _is_ours(name: str) -> bool:
    return name.split(".")[0] in {"app", "core", "pages"}


def _floors(module: Module, imports: list[Import], modules: Mapping[str, Module]) -> Iterator[Violation]:
    if module.name == FACE:
        return
    room = _room(module.name)
    if room is None:
        yield module.breaks("floors", 1, f"{module.name} stands on no floor; give its room one in the floors table")
        return
    height, floor = FLOORS[room]
    for imported in imports:
        if not _is_ours(imported.target) or imported.target == FACE:
            continue
        if imported.target not in modules and imported.target not in FLOORS:
            yield module.breaks("floors", imported.line, f"{imported.target} is no module of the house")
            continue
        other = _room(imported.target)
        if other is not None and FLOORS[other][0] > height:
            above = FLOORS[other][1]
            yield module.breaks(
                "floors", imported.line, f"{room} ({floor}) imports {imported.target} from a floor above it ({above})"
            )


def _owners(module: Module, imports: list[Import]) -> Iterator[Violation]:
    for imported in imports:
        library = imported.target.split(".")[0]
        owners = OWNERS.get(library)
        if owners is not None and not any(_within(module.name, owner) for owner in owners):
            yield module.breaks("owners", imported.line, f"{library} is imported only in {' and '.join(owners)}")
        elif _within(module.name, "pages") and library in NOT_IN_PAGES:
            yield module.breaks("owners", imported.line, f"a screen computes nothing: {library} belongs in core")
        elif _within(module.name, "core.domain") and not _is_ours(library) and library not in WORDS_MAY_IMPORT:
            yield module.breaks(
                "owners", imported.line, f"core.domain imports the standard library, pydantic and yaml, not {library}"
            )


def _opaque_imports(module: Module) -> Iterator[Violation]:
    if module.name in BY_NAME:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _is_import_call(node) and _literal_argument(node) is None:
            yield module.breaks("opaque-import", node.lineno, "the imported name is computed; write it as a literal")


def _work_at_import(module: Module) -> Iterator[Violation]:
    """Bare calls and changes of ``os.environ`` at the top level. Screens are scripts and doors wire themselves."""
    room = _room(module.name)
    is_library = room is not None and FLOORS[room][0] < FLOORS["core.cli"][0]
    if not is_library and module.name not in {"app", FACE}:
        return
    for node in _top_level(module.tree.body):
        match node:
            case ast.Expr(value=ast.Call()):
                yield module.breaks("work-at-import", node.lineno, f"{ast.unparse(node.value)} runs at import")
            case ast.Assign(targets=[ast.Subscript(value=changed), *_]) if ast.unparse(changed) == "os.environ":
                yield module.breaks("work-at-import", node.lineno, "os.environ is changed at import")
            case _:
                pass


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run at import, those inside ``if``, ``with``, ``for`` and ``try`` included."""
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            continue
        yield node
        if isinstance(node, ast.If | ast.With | ast.For | ast.While | ast.Try):
            children = list(ast.iter_child_nodes(node))
            yield from _top_level([child for child in children if isinstance(child, ast.stmt)])
            for handler in children:
                if isinstance(handler, ast.ExceptHandler):
                    yield from _top_level(handler.body)


def _swallowed_errors(module: Module) -> Iterator[Violation]:
    for node in ast.walk(module.tree):
        match node:
            case ast.ExceptHandler(type=None):
                yield module.breaks("broad-except", node.lineno, "a bare except catches what nobody foresaw")
            case ast.ExceptHandler(type=ast.expr() as caught) if _too_broad(caught):
                yield module.breaks("broad-except", node.lineno, f"except {ast.unparse(caught)} is too broad")
            case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=suppressed):
                if any(_too_broad(kind) for kind in suppressed):
                    yield module.breaks("broad-except", node.lineno, f"{ast.unparse(node)} is too broad")
            case _:
                pass


def _too_broad(caught: ast.expr) -> bool:
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(ast.unparse(kind).removeprefix("builtins.") in {"Exception", "BaseException"} for kind in kinds)


def _raw_html(module: Module) -> Iterator[Violation]:
    if not _within(module.name, "pages"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.keyword) and node.arg == "unsafe_allow_html":
            yield module.breaks("raw-html", node.value.lineno, "unsafe_allow_html lets data write the page")


def _names_and_sizes(module: Module) -> Iterator[Violation]:
    for part in module.name.split("."):
        if VAGUE_NAMES & set(part.split("_")):
            yield module.breaks("vague-name", 1, f"{part} says nothing about its one job")
    if module.lines > LONGEST_MODULE:
        yield module.breaks("long-module", module.lines, f"{module.lines} lines are more than {LONGEST_MODULE}")


def _circles(modules: Mapping[str, Module], imports: Mapping[str, list[Import]]) -> Iterator[Violation]:
    """One violation a circle. Imports inside functions close a circle too: they only hide it from the interpreter."""
    graph = {
        name: {imported.target: imported.line for imported in found if imported.target in modules}
        for name, found in imports.items()
        if name != FACE
    }
    reported: set[frozenset[str]] = set()
    for name in graph:
        path = _way_back(graph, name)
        if path is not None and frozenset(path) not in reported:
            reported.add(frozenset(path))
            yield modules[path[0]].breaks("circle", graph[path[0]][path[1]], " imports ".join(path))


def _way_back(graph: Mapping[str, Mapping[str, int]], start: str) -> list[str] | None:
    """The shortest way along imports from a module to itself, both ends named; None when there is none."""
    came_from: dict[str, str] = {}
    queue = [start]
    for here in queue:
        for target in graph.get(here, {}):
            if target == start:
                way = [here]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return [*reversed(way), start]
            if target not in came_from:
                came_from[target] = here
                queue.append(target)
    return None
