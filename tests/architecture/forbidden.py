"""What the rooms of the tick may not say, as a reader of syntax trees."""

import ast
from collections.abc import Iterator

ELEMENTARY = "exp exp2 expm1 log log2 log10 log1p logaddexp power float_power pow cbrt "
ELEMENTARY += "sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh"
PRODUCTS = "dot vdot inner matmul tensordot kron linalg convolve correlate cov corrcoef vecdot"
FILES = "load save savez savez_compressed loadtxt savetxt genfromtxt fromfile memmap"
NUMPY = {*ELEMENTARY.split(), *PRODUCTS.split(), *FILES.split(), "random", "apply_along_axis"}
MATH = {*ELEMENTARY.split(), "fsum", "gamma", "lgamma", "erf", "erfc"}
METHODS = {"dot", "tofile", "read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir"}
METHODS |= {"write_parquet", "write_csv", "sink_parquet"}
MODULES = {
    "os",
    "io",
    "pathlib",
    "shutil",
    "tempfile",
    "pickle",
    "json",
    "csv",
    "tomllib",
    "sqlite3",
    "subprocess",
}
MODULES |= {"random", "secrets", "time", "uuid", "scipy", "numba", "mesa.batchrunner"}
BUILTINS = {"open", "hash", "input", "exec", "eval"}
SUMS = {"sum", "mean", "prod", "std", "var", "median", "average", "nansum", "cumsum", "cumprod", "reduce"}
SORTS = {"sort", "argsort"}


def complaints(tree: ast.AST) -> Iterator[str]:
    """Every forbidden thing in a file, with its line."""
    kernels = _lines_of_kernels(tree)
    for node in ast.walk(tree):
        for words in _of_node(node, getattr(node, "lineno", 0) in kernels):
            yield f"line {getattr(node, 'lineno', 0)}: {words}"


def _lines_of_kernels(tree: ast.AST) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        marks = [ast.unparse(mark) for mark in getattr(node, "decorator_list", [])]
        if isinstance(node, ast.FunctionDef) and {"kernel", "inlined"} & set(marks):
            lines |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def _of_node(node: ast.AST, in_kernel: bool) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from _of_import(node)
    elif isinstance(node, ast.Attribute):
        yield from _of_attribute(node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.BinOp | ast.AugAssign):
        yield from _of_operator(node, in_kernel)


def _of_import(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    for name in names:
        if name in MODULES or name.split(".")[0] in MODULES:
            yield f"import of {name}"
        head, _, last = name.rpartition(".")
        if (head == "numpy" and last in NUMPY) or (head == "math" and last in MATH):
            yield f"import of {name}"


def _of_attribute(node: ast.Attribute) -> Iterator[str]:
    owner = ast.unparse(node.value)
    if owner in ("np", "numpy") and node.attr in NUMPY:
        yield f"np.{node.attr}"
    elif owner == "math" and node.attr in MATH:
        yield f"math.{node.attr}"
    elif node.attr in METHODS:
        yield f".{node.attr}"


def _of_call(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    keywords = {one.arg: one.value for one in node.keywords}
    if isinstance(node.func, ast.Name) and name in BUILTINS:
        yield f"{name}()"
    if name in SUMS and any(_is(keywords.get("axis"), axis) for axis in (0, (0,))):
        yield f"{name} over axis 0, which is the replicate's"
    if name == "einsum" and "optimize" in keywords:
        yield "einsum with optimize, which calls BLAS"
    stable = any(_is(keywords.get("kind"), kind) for kind in ("stable", "mergesort"))
    if name in SORTS and not stable and _owner(node) not in ("pl", "polars"):
        yield f"{name} without kind='stable'"
    if "fastmath" in keywords or "parallel" in keywords:
        yield f"{name} with fastmath or parallel"


def _owner(node: ast.Call) -> str:
    return ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""


def _of_operator(node: ast.BinOp | ast.AugAssign, in_kernel: bool) -> Iterator[str]:
    if isinstance(node.op, ast.MatMult):
        yield "matrix product @"
    if not isinstance(node.op, ast.Pow):
        return
    base, exponent = (node.target, node.value) if isinstance(node, ast.AugAssign) else (node.left, node.right)
    literal = _is_literal(base) and _is_literal(exponent)
    whole_base = _is_literal(base) and isinstance(ast.literal_eval(base), int)
    whole_exponent = _is_literal(exponent) and isinstance(ast.literal_eval(exponent), int)
    # NumPy squares by multiplying, but leaves cubes to the C library; in kernels whole powers are products
    product = _is(exponent, 2) or (in_kernel and whole_exponent)
    if not (literal or product or (whole_base and isinstance(exponent, ast.Name))):
        yield f"** {ast.unparse(exponent)}"


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant))


def _is(node: ast.expr | None, value: object) -> bool:
    try:
        return node is not None and ast.literal_eval(node) == value
    except ValueError:
        return False
