"""Warm start: labels that survive keep what was learnt."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
import torch
from safetensors.torch import load_file, save_file

from nlp.analyzer import Analyzer
from nlp.config import Recipe, load_plan
from nlp.errors import BundleError, RecipeError
from nlp.model.store import MANIFEST, WEIGHTS, write_manifest
from nlp.training.finetune import Job
from nlp.training.heads import warm_start
from nlp.training.trial import measure

from .test_finetune import SCHEMA, checkpoint, data_set, recipe_file, train

MORE = SCHEMA.replace("[types.region]", '[topics.tax]\nname = "税"\n[types.region]').replace(
    '"insured", ', '"insured", "work", '
)


def test_surviving_rows_are_taken_over(tmp_path: Path) -> None:
    data = data_set(tmp_path / "data")
    recipe = recipe_file(tmp_path, checkpoint(tmp_path / "base", "vocab.txt"), data)
    done = train(recipe, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    check_no_epochs(recipe, tmp_path)
    (data / "schema.toml").write_text(MORE, encoding="utf-8")
    plan = load_plan(recipe, [f'base.heads=["{tmp_path / "bundle"}"]'])
    assert isinstance(plan, Recipe)
    job = Job.prepare(plan)
    assert warm_start(job.network, job.schema, [tmp_path / "bundle"]) == (2, 9)
    analyzer = Analyzer.from_pretrained(tmp_path / "bundle", threads=1)
    text = "兰州医保在西宁能用吗"
    encoding = job.encoder.encode([text])
    with torch.no_grad():
        topics, _, vectors = job.network.eval()(
            *(torch.from_numpy(a) for a in job.encoder.batch(encoding, job.encoder.windows(encoding)))
        )
    assert int(topics[0, :2].argmax()) == 0
    assert float(vectors[0] @ torch.from_numpy(analyzer(text).vector)) > 0.99
    check_mean(job, tmp_path)
    check_refusals(plan, tmp_path)
    with pytest.raises(RecipeError, match=r"base\.heads = .* leave it out"):
        measure(plan, {}, tmp_path / "trial", resume=True)


def check_no_epochs(recipe: Path, folder: Path) -> None:
    """A run of no epochs writes the bundle of what it starts from."""
    bundle = folder / "bundle"
    done = train(recipe, folder / "mean", "--set", f'base.heads=["{bundle}", "{bundle}"]', "--set", "train.epochs=0")
    assert done.returncode == 0, done.stderr[-2000:]
    before, after = (load_file(made / WEIGHTS) for made in (bundle, folder / "mean" / "bundle"))
    assert before.keys() == after.keys()
    assert all(torch.equal(weight, after[name]) for name, weight in before.items())


def check_mean(job: Job, folder: Path) -> None:
    """Of two bundles each weight that both know is the mean; rows that none knows stay."""
    weights = load_file(folder / "bundle" / WEIGHTS)
    other = folder / "second"
    shutil.copytree(folder / "bundle", other)
    save_file({name: weight + 1 for name, weight in weights.items()}, other / WEIGHTS)
    manifest = json.loads((other / MANIFEST).read_text(encoding="utf-8"))
    write_manifest(other, {name: value for name, value in manifest.items() if name not in ("format", "files")})
    fresh = job.network.topic_head.bias[2].item()
    assert warm_start(job.network, job.schema, [folder / "bundle", other]) == (2, 9)
    for name in ("vector_map.weight", "encoder.body.embeddings.LayerNorm.weight"):
        assert torch.allclose(job.network.state_dict()[name], weights[name].float() + 0.5, atol=1e-2)
    assert torch.allclose(job.network.topic_head.bias[:2], weights["topic_head.bias"].float() + 0.5, atol=1e-2)
    assert job.network.topic_head.bias[2].item() == pytest.approx(fresh)
    shipped = Path(__file__).resolve().parents[2] / "models" / "policy"
    with pytest.raises(BundleError, match=r"policy has other labels than .*bundle: they have no mean"):
        warm_start(job.network, job.schema, [folder / "bundle", shipped])


def check_refusals(plan: Recipe, folder: Path) -> None:
    """Another shape, and a bundle without weights."""
    other = checkpoint(folder / "other", "vocab.txt")
    vocabulary = (other / "vocab.txt").read_text(encoding="utf-8").splitlines()[:-3]
    (other / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    with pytest.raises(BundleError, match=r"base\.heads: .* is \(\d+, 32\), expected \(\d+, 32\)"):
        Job.prepare(replace(plan, base=replace(plan.base, path=str(other))))
    with pytest.raises(BundleError, match=r"has encoder\.body\.encoder\.layer\.1\S+, which the network has not"):
        Job.prepare(replace(plan, base=replace(plan.base, layers=1)))
    shipped = Path(__file__).resolve().parents[2] / "models" / "policy"
    with pytest.raises(BundleError, match=r"has no model\.safetensors"):
        Job.prepare(replace(plan, base=replace(plan.base, heads=(str(shipped),))))
