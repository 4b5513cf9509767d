"""The structure holds: layers, no cycles, light import, no Python where it would shadow a library, a complete tree in the README."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "nlp"
# From the top down; a module may import from lower layers only, and within its own folder. Those on one line are strangers.
LAYERS = [
    ("cli", "service"),
    ("view", "data_cli", "project_cli", "index_cli", "audit_cli", "tag_cli"),
    ("embedded", "assessment", "batch", "fitting", "renaming"),
    ("archive",),
    ("router",),
    ("audit", "feedback"),
    ("journal",),
    ("analyzer", "training"),
    ("data", "model", "evaluation", "retrieval"),
    ("text",),
    ("config",),
    ("schema", "locks"),
    ("errors",),
]
HEAVY = {
    "torch": ("model/network", "model/ngrams", "model/smoothing", "model/export", "model/runtime", "training/"),
    "transformers": ("model/network", "training/"),
    "datasets": ("data/corpus",),
    "sklearn": ("training/", "evaluation/", "data/statistics"),
    "jieba": ("text/segment",),
    "lancedb": ("retrieval/",),
    "ray": ("batch",),
    "fastapi": ("service",),
    "matplotlib": ("evaluation/plots", "data/card", "training/curves"),
    "onnxruntime": ("model/runtime", "model/export"),
    "datasketch": ("data/duplicates",),
    "cleanlab": ("training/suspects",),
    "trafilatura": ("batch/worker",),
    "warcio": ("batch/reading",),
}


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> Iterator[str]:
    package = name_of(path).split(".") if path.name == "__init__.py" else name_of(path).split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def layer_of(module: str) -> int | None:
    part = module.split(".")[1] if module.count(".") else None
    return next((n for n, names in enumerate(LAYERS) if part in names), None)


def graph() -> dict[str, set[str]]:
    names = {name_of(p): p for p in modules()}
    return {name: {i for i in imports_of(path) if i in names and i != name} for name, path in names.items()}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_point_down(path: Path) -> None:
    here = layer_of(name_of(path))
    if here is None:
        assert name_of(path) in ("nlp", "nlp.__main__"), f"{path} stands in no layer: add it to LAYERS"
        return
    own = name_of(path).split(".")[1]
    for module in imports_of(path):
        if not module.startswith("nlp"):
            continue
        other = layer_of(module)
        if other is None:
            assert module not in ("nlp", "nlp.__main__"), f"{path}: imports the package root"
            continue
        assert other > here or module.split(".")[1] == own, f"{path}: imports {module} of a layer that is not below"


def test_no_import_cycle() -> None:
    edges = graph()
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join([*trail, name])
        if name not in done:
            for other in edges[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in edges:
        if name != "nlp":
            visit(name, ())


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_heavy_libraries_are_confined(path: Path) -> None:
    inside = path.relative_to(PACKAGE).with_suffix("").as_posix()
    for module in imports_of(path):
        allowed = HEAVY.get(module.split(".")[0])
        assert allowed is None or inside.startswith(allowed), f"{path}: {module} belongs in {', '.join(allowed or ())}"


def test_text_layer_is_pure_python() -> None:
    allowed = {"nlp", "jieba", *sys.stdlib_module_names}
    for path in (PACKAGE / "text").glob("*.py"):
        assert {m.split(".")[0] for m in imports_of(path)} <= allowed, path


@pytest.mark.parametrize("folder", ["datasets", "models"])
def test_no_python_where_it_would_shadow_a_library(folder: str) -> None:
    assert not list((ROOT / folder).rglob("*.py"))


def test_modules_have_no_trap_names() -> None:
    traps = {"numbers", "types", "tokenize", "logging", "code"}
    assert not [p for p in modules() if p.stem in traps]


def test_import_is_light() -> None:
    code = "import sys, nlp; print([m for m in ('torch', 'transformers', 'datasets', 'ray', 'lancedb', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_serving_needs_no_training_library() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'transformers', 'datasets', 'sklearn', 'scipy', 'matplotlib')));"
        "import nlp.cli, nlp.embedded, nlp.analyzer, nlp.router"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)


def test_public_names_are_sorted_and_there() -> None:
    import nlp

    assert list(nlp.__all__) == sorted(nlp.__all__)
    for name in nlp.__all__:
        assert getattr(nlp, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = nlp.no_such_name


def test_readme_tree_is_complete() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = readme.split("## File tree", 1)[1].split("```")[1]
    listed = set(re.findall(r"([\w.-]+\.(?:py|toml|txt)|Makefile|LICENSE)\b", tree))
    for path in [*modules(), ROOT / "train.py", *(ROOT / "bench").glob("*.py")]:
        assert path.name in listed, f"{path.relative_to(ROOT)} is missing from the file tree in README.md"
