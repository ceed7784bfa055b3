# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Print the numbers that the style of this package is measured by, each beside its target."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

PACKAGE = "dp_accel_ros"
CORE = ("manifest", "bundle", "observe", "predict", "execute")
REASON = re.compile(
    r"\b(because|so that|since|must|otherwise|unless|until|would|cannot|never)\b|https?:"
)
MARKER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
NOT_PROSE = re.compile(r"#\s*(noqa|type:|pyright:|Copyright|SPDX|\()")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file, parsed."""

    path: Path
    text: str

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the syntax tree, the module first."""
        return list(ast.walk(ast.parse(self.text)))

    @property
    def functions(self) -> list[Function]:
        """Functions and methods, nested ones too."""
        return [node for node in self.nodes if isinstance(node, Function)]

    @property
    def classes(self) -> list[ast.ClassDef]:
        """Classes, nested ones too."""
        return [node for node in self.nodes if isinstance(node, ast.ClassDef)]

    @property
    def n_lines(self) -> int:
        """Lines of the file."""
        return len(self.text.splitlines())

    @cached_property
    def comments(self) -> dict[int, str]:
        """Comments in words by line number; licence headers and notes to tools are left out."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        found = {t.start[0]: t.string for t in tokens if t.type == tokenize.COMMENT}
        return {line: text for line, text in found.items() if not NOT_PROSE.match(text)}

    @property
    def code_lines(self) -> int:
        """Lines that hold code: not blank, not a comment alone, not a docstring."""
        lines = self.text.splitlines()
        prose = {n for node in self.nodes for n in string_statement_lines(node)}
        return sum(
            bool(line.strip()) and not line.lstrip().startswith("#") and number not in prose
            for number, line in enumerate(lines, start=1)
        )

    def imports(self) -> set[str]:
        """Top-level names of the packages that the file imports."""
        names = set()
        for node in self.nodes:
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
        return names


def sources_below(folder: Path) -> list[Source]:
    """Return every Python file below a folder."""
    return [Source(path, path.read_text()) for path in sorted(folder.rglob("*.py"))]


def string_statement_lines(node: ast.AST) -> Iterable[int]:
    """Return the lines of a statement that is only a string: a docstring of whatever it follows."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return range(node.lineno, (node.end_lineno or node.lineno) + 1)
        case _:
            return ()


def public(body: Iterable[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    """Yield the public functions and classes of a module, and what is public in those classes."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def body_length(function: Function) -> int:
    """Return the lines of a function's body without its docstring."""
    body = function.body[ast.get_docstring(function) is not None :]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def quantile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]


def percent(flags: Iterable[bool]) -> str:
    """Return the share of true values as text; an empty list counts as all."""
    values = list(flags)
    return f"{100 * sum(values) / len(values) if values else 100:.3g}%"


def hints(functions: Iterable[Function]) -> tuple[list[bool], list[bool]]:
    """Return which arguments and which returns are annotated."""
    arguments, returns = [], []
    for function in functions:
        args = function.args
        named = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        known = [arg for arg in named if arg and arg.arg not in ("self", "cls")]
        arguments += [arg.annotation is not None for arg in known]
        returns.append(function.returns is not None)
    return arguments, returns


def dataclass_frozenness(classes: Iterable[ast.ClassDef]) -> list[bool]:
    """Return for each dataclass whether it is frozen."""
    decorators = [ast.unparse(item) for node in classes for item in node.decorator_list]
    return ["frozen=True" in text for text in decorators if text.startswith("dataclass")]


def comment_blocks(source: Source) -> list[str]:
    """Return runs of neighbouring comment lines, each run as one text."""
    blocks: list[str] = []
    previous = -1
    for line, text in sorted(source.comments.items()):
        if line == previous + 1:
            blocks[-1] += " " + text
        else:
            blocks.append(text)
        previous = line
    return blocks


def broad_excepts(source: Source) -> int:
    """Return how many handlers catch everything."""
    handlers = [node for node in source.nodes if isinstance(node, ast.ExceptHandler)]
    caught = ["" if node.type is None else ast.unparse(node.type) for node in handlers]
    return sum(name in ("", "Exception", "BaseException") for name in caught)


def prints(source: Source) -> int:
    """Return how many calls of print there are."""
    calls = [node.func for node in source.nodes if isinstance(node, ast.Call)]
    return sum(isinstance(func, ast.Name) and func.id == "print" for func in calls)


def mocks(source: Source) -> int:
    """Return how many times a name of unittest.mock is used."""
    return len(re.findall(r"\b(MagicMock|Mock|AsyncMock|mock\.patch|mocker)\b", source.text))


def part(source: Source) -> str:
    """Return the part of the package a file lies in, "" for the top modules."""
    inside = source.path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else ""


def size_rows(sources: list[Source]) -> Iterator[tuple[str, str, str]]:
    """Yield the rows on how long files and functions are."""
    lines = [source.n_lines for source in sources]
    longest = max(sources, key=lambda source: source.n_lines)
    yield (
        "file lines, median / longest",
        "≤ 130 / 300",
        f"{median(lines):g} / {longest.n_lines} ({longest.path})",
    )
    bodies = [
        (body_length(function), f"{source.path}:{function.lineno}")
        for source in sources
        for function in source.functions
    ]
    lengths = [length for length, _ in bodies]
    longest_length, place = max(bodies)
    yield (
        "function body, median / p90 / longest",
        "≤ 7 / 25 / 50",
        f"{median(lengths):g} / {quantile(lengths, 0.9)} / {longest_length} ({place})",
    )


def word_rows(sources: list[Source]) -> Iterator[tuple[str, str, str]]:
    """Yield the rows on docstrings, hints and comments."""
    functions = [function for source in sources for function in source.functions]
    classes = [node for source in sources for node in source.classes]
    modules = [ast.parse(source.text) for source in sources]
    named = [node for module in modules for node in public(module.body)]
    documented = [
        percent(ast.get_docstring(node) is not None for node in nodes)
        for nodes in (
            modules,
            [node for node in named if isinstance(node, ast.ClassDef)],
            [node for node in named if isinstance(node, Function)],
        )
    ]
    yield (
        "module, class, public function docstrings",
        "100 / 100 / 100%",
        " / ".join(documented),
    )
    arguments, returns = hints(functions)
    yield (
        "hints, arguments and returns",
        "100 / 100%",
        f"{percent(arguments)} / {percent(returns)}",
    )
    n_comments = sum(len(source.comments) for source in sources)
    blocks = [block for source in sources for block in comment_blocks(source)]
    share = 100 * n_comments / sum(source.code_lines for source in sources)
    reasons = percent(REASON.search(block) is not None for block in blocks)
    yield "comment lines per code line", "3-8%", f"{share:.1f}%"
    yield "comment blocks that hold a reason", "a third", reasons
    yield "frozen share of dataclasses", "100%", percent(dataclass_frozenness(classes))


def forbidden_rows(sources: list[Source]) -> Iterator[tuple[str, str, str]]:
    """Yield the rows on what there should be none of."""
    core = [source for source in sources if part(source) in ("", *CORE)]
    at_edges = sum(map(broad_excepts, sources)) - sum(map(broad_excepts, core))
    printing = sum(prints(source) for source in sources if part(source) != "cli")
    markers = sum(len(MARKER.findall(source.text)) for source in sources)
    yield (
        "broad excepts in the core / prints / TODO",
        "0 / 0 / 0",
        f"{sum(map(broad_excepts, core))} / {printing} / {markers}"
        f" (broad excepts at the edges: {at_edges})",
    )
    strays = [str(s.path) for s in sources if part(s) != "nodes" and "rclpy" in s.imports()]
    n_ros = sum("rclpy" in source.imports() for source in sources)
    yield (
        "files that import rclpy",
        "nodes/ only",
        ", ".join(strays) or f"nodes/ only ({n_ros})",
    )


def test_rows(tests: list[Source]) -> Iterator[tuple[str, str, str]]:
    """Yield the rows on the tests."""
    functions = [function for source in tests for function in source.functions]
    cases = [body_length(f) for f in functions if f.name.startswith("test_")]
    yield (
        "mocks / median test length",
        "0 / ≤ 8 lines",
        f"{sum(map(mocks, tests))} / {median(cases) if cases else 0:g} ({len(cases)} tests)",
    )


def main() -> int:
    """Print the table."""
    sources = sources_below(Path(PACKAGE))
    tests = sources_below(Path("test"))
    rows = [*size_rows(sources), *word_rows(sources), *forbidden_rows(sources), *test_rows(tests)]
    n_code = sum(source.code_lines for source in sources)
    print(f"\n{PACKAGE}: {len(sources)} files, {n_code} lines of code")
    print(f"{'':42}{'target':20}here")
    for name, target, value in rows:
        print(f"{name:42}{target:20}{value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
