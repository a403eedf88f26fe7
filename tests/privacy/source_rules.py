"""Rules that the source of the data path keeps, read from its syntax tree.

What these files cannot say, no input can make them say: they have no `print`, open no file, log
nothing but a fixed text, put no data into an exception, and their values show nothing when
printed.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DATA_PATH = ("wire", "answering", "allowlist", "upstream", "resolver", "relay")

_FORBIDDEN_CALLS = {"print", "open", "breakpoint", "input", "exec", "eval"}
_FORBIDDEN_MODULES = {
    "logging",
    "syslog",
    "traceback",
    "pdb",
    "tempfile",
    "pickle",
    "shelve",
    "sqlite3",
    "faulthandler",
    "subprocess",
    "pathlib",
    "io",
}
_LOG_METHODS = {
    "debug",
    "info",
    "warn",
    "warning",
    "error",
    "critical",
    "exception",
    "failure",
    "emit",
    "msg",
    "err",
}


@dataclass(frozen=True)
class Breach:
    """A place that breaks a rule."""

    file: str
    line: int
    rule: str


def breaches(source: str, file: str) -> Iterator[Breach]:
    """Give every breach in a module of the data path."""
    for node in ast.walk(ast.parse(source)):
        rule = _rule_broken_by(node)
        if rule is not None:
            yield Breach(file, getattr(node, "lineno", 0), rule)


def data_path_files(root: Path) -> list[Path]:
    """Every module between a datagram and its reply, and a relayed octet and its origin."""
    return sorted(path for part in DATA_PATH for path in (root / "smartdns" / part).rglob("*.py"))


def _rule_broken_by(node: ast.AST) -> str | None:
    match node:
        case ast.Import(names=names) if any(_writes(each.name) for each in names):
            return "imports what writes"
        case ast.ImportFrom(module=str(module)) if _writes(module):
            return "imports what writes"
        case ast.Call():
            return _rule_broken_by_call(node)
        case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr"):
            return "names an output"
        case ast.Raise(exc=ast.Call()):
            return "raises with data" if _carries_data(node.exc) else None
        case ast.ClassDef() if _shows_its_content(node):
            return "a value that shows its content"
        case ast.Assert(msg=ast.expr()):
            return "asserts with a message"
    return None


def _rule_broken_by_call(node: ast.Call) -> str | None:
    match node.func:
        case ast.Name(id=name) if name in _FORBIDDEN_CALLS:
            return f"calls {name}"
        case ast.Attribute(value=ast.Name(id="os"), attr="open" | "write" | "pwrite"):
            return "writes through os"
        case ast.Attribute(value=logger, attr=method) if (
            method in _LOG_METHODS and _is_logger(logger) and not _says_nothing(node)
        ):
            return "logs more than a fixed text"
    return None


def _writes(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] in _FORBIDDEN_MODULES


def _carries_data(raised: ast.expr | None) -> bool:
    match raised:
        case ast.Call(func=ast.Name(id="OSError")):
            return False  # a number of the kernel's and the text that belongs to it
        case ast.Call(args=arguments, keywords=keywords):
            values = (*arguments, *(each.value for each in keywords))
            return not all(isinstance(value, ast.Constant) for value in values)
    return False


def _is_logger(node: ast.expr) -> bool:
    """`log`, `self._log`, `relay.log`, `Logger()`."""
    match node:
        case ast.Call(func=ast.Name(id="Logger")):
            return True
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return "log" in name.lower()
    return False


def _says_nothing(call: ast.Call) -> bool:
    """A fixed text, and at most the failure, of which the gate shows kind and place alone."""
    text, *rest = call.args or [ast.Name("")]
    return (
        isinstance(text, ast.Constant)
        and "{" not in str(text.value)
        and not call.keywords
        and all(ast.unparse(each) in {"failure", "Failure(error)"} for each in rest)
    )


def _shows_its_content(node: ast.ClassDef) -> bool:
    """Say whether a dataclass with fields of octets or addresses has the `repr` made for it."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "dataclass":
            options = {k.arg: getattr(k.value, "value", None) for k in decorator.keywords}
            hidden = options.get("repr", True) is False
            return not hidden and any(_may_hold_data(field) for field in node.body)
        if isinstance(decorator, ast.Name) and decorator.id == "dataclass":
            return any(_may_hold_data(field) for field in node.body)
    is_tuple = any(getattr(base, "id", "") == "NamedTuple" for base in node.bases)
    return is_tuple and not any(
        isinstance(each, ast.FunctionDef) and each.name == "__repr__" for each in node.body
    )


_MAY_HOLD_DATA = {
    "bytes",
    "bytearray",
    "str",
    "Name",
    "Question",
    "Query",
    "Source",
    "Record",
    "Address",
    "Network",
    "IPv4Address",
    "IPv6Address",
}


def _may_hold_data(field: ast.stmt) -> bool:
    if not isinstance(field, ast.AnnAssign):
        return False
    if isinstance(field.value, ast.Call) and any(
        k.arg == "repr" and getattr(k.value, "value", True) is False for k in field.value.keywords
    ):
        return False
    words = {n.id for n in ast.walk(field.annotation) if isinstance(n, ast.Name)}
    return bool(words & _MAY_HOLD_DATA)
