"""`tag`: a source → a folder of tagged parts, rejects and a summary; the same command goes on where it was stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, Literal

from nlp.batch.chunks import Job, chunks_of, parts_of
from nlp.batch.exports import LABEL_CONFIG, WRITERS, label_config
from nlp.batch.local import run_local
from nlp.batch.records import ROWS, Chunk, Options, Outcome, Reject, to_line
from nlp.batch.store import CHUNKS, MANIFEST, REJECTS, SCRATCH, SUMMARY, Store, locked, open_store, write
from nlp.batch.streams import STDIN, SourceFile, files_of, is_url, shards_of
from nlp.errors import InputError
from nlp.model.store import ROUTER, Bundle, load_bundle

FORMAT = 1
Engine = Literal["local", "ray"]
_OURS = (MANIFEST, SUMMARY, REJECTS, LABEL_CONFIG)


class TooManyRejects(InputError):
    """More records were rejected than `max_rejects` allows."""


@dataclass(slots=True)
class Summary:
    """Totals of a job as they grow; `to_dict()` holds what is the same however often it was stopped."""

    rows: int = 0
    rejected: int = 0
    reused: int = 0
    position: int = 0
    size: int = 0
    started: float = field(default_factory=monotonic)
    restarted: str = ""
    chunks: int = 0
    topics: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    encodings: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        self.rows += outcome.rows
        self.rejected += len(outcome.rejects)
        self.reused += outcome.rows if outcome.reused else 0
        self.chunks += 1
        self.topics.update(outcome.topics)
        self.types.update(outcome.types)
        self.encodings.update(outcome.encodings)

    @property
    def seconds(self) -> float:
        return monotonic() - self.started

    @property
    def rate(self) -> float:
        """Rows tagged by this run a second."""
        return (self.rows - self.reused) / max(self.seconds, 1e-9)

    def to_dict(self) -> dict[str, Any]:
        counts = {name: dict(sorted(getattr(self, name).items())) for name in ("topics", "types", "encodings")}
        return {"rows": self.rows, "rejected": self.rejected, "chunks": self.chunks, **counts}


Watch = Callable[[Summary], None]


def tag(
    source: str,
    place: str,
    bundle: Path,
    options: Options,
    *,
    engine: Engine = "local",
    workers: int = 0,
    address: str | None = None,
    max_rejects: int | None = None,
    watch: Watch | None = None,
    sink: BinaryIO | None = None,
) -> Summary:
    """Tags every record of a source.

    Args:
        source: File, folder, URL, or `-` for standard input.
        place: Folder or URL to write to; new, empty, or of an earlier run.
        bundle: The model.
        options: What decides the output.
        engine: `local` uses the cores of this machine, `ray` a cluster.
        workers: Processes or actors; 0 takes all cores.
        address: Of the cluster; None starts or finds one here.
        max_rejects: Stops when more records than this were rejected.
        watch: Called after each chunk.
        sink: Gets the rows of each part in order; the part is deleted then, so such a job cannot be resumed.

    Raises:
        InputError: Source or place cannot be used, or writing failed.
        TooManyRejects: See `max_rejects`; all that was done stays.
        BundleError: The model cannot be loaded.
    """
    model = load_bundle(bundle)
    if engine == "ray":  # other machines have other working folders
        source, place, bundle = (_absolute(source), _absolute(place), bundle.absolute())
    job = Job(str(bundle), place, run_of(model, options), options)
    files = files_of(source, options.format)
    shards = shards_of(files)
    store = open_store(place)
    summary = Summary(size=sum(file.size for file in files))
    with locked(store):
        summary.restarted = _prepare(store, job, model)
        outcomes = _outcomes(engine, shards, job, store.names(), workers, address)
        rejected = _collect(outcomes, store, options, summary, max_rejects, watch, sink)
        _finish(store, summary, rejected, options)
    return summary


def run_of(model: Bundle, options: Options) -> str:
    """Digest of all that decides the output of a chunk but the chunk itself."""
    facts = {
        "model": model.fingerprint,
        "files": {name: checksum for name, checksum in model.manifest["files"].items() if name != ROUTER},
        "calibration": model.manifest["calibration"],
        "thresholds": model.manifest.get("thresholds"),
        "version": _version(),
        "options": options.to_dict(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _absolute(path: str) -> str:
    return path if is_url(path) or path == STDIN else str(Path(path).absolute())


def _version() -> str:
    try:
        return version("wenlu")
    except PackageNotFoundError:
        return ""


def _prepare(store: Store, job: Job, model: Bundle) -> str:
    """Readies the folder; what an earlier run with another model or option wrote is deleted, and the reason given."""
    names = store.names()
    manifest = {"format": FORMAT, "model": model.fingerprint, "run": job.run, "options": job.options.to_dict()}
    reason = ""
    if MANIFEST in names:
        earlier = _read_manifest(store)
        if earlier.get("run") == job.run:
            return ""
        reason = _difference(earlier, manifest)
        for name in filter(_is_ours, names - {MANIFEST}):
            store.remove(name)
    elif any(name != LABEL_CONFIG and not name.rpartition("/")[2].startswith(SCRATCH) for name in names):
        raise InputError(f"{store.place}: holds other files; choose a new or empty folder")
    if "label-studio" in job.options.annotate:
        write(store, LABEL_CONFIG, label_config(model.labels).encode())
    write(store, MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode() + b"\n")
    return reason


def _read_manifest(store: Store) -> dict[str, Any]:
    try:
        manifest = json.loads(store.read(MANIFEST))
    except ValueError:
        raise InputError(f"{store.place}/{MANIFEST}: not JSON; choose another folder, or delete this one") from None
    if not isinstance(manifest, dict) or "run" not in manifest:
        raise InputError(f"{store.place}/{MANIFEST}: not of a tagging job; choose another folder")
    return manifest


def _difference(earlier: dict[str, Any], now: dict[str, Any]) -> str:
    if earlier.get("model") != now["model"]:
        return f"the model is another one ({earlier.get('model')} before, {now['model']} now)"
    before, after = earlier.get("options", {}), json.loads(json.dumps(now["options"]))
    changed = [name for name in after if before.get(name) != after[name]]
    return "; ".join(f"{name} was {before.get(name)!r}, is {after[name]!r}" for name in changed) or "the version is another one"


def _is_ours(name: str) -> bool:
    folder, _, last = name.rpartition("/")
    in_place = folder in (ROWS, CHUNKS, *WRITERS)
    return name in _OURS or folder == CHUNKS or last.startswith(SCRATCH) or (in_place and last.startswith("part-"))


def _outcomes(
    engine: Engine, shards: list[tuple[SourceFile, ...]], job: Job, written: set[str], workers: int, address: str | None
) -> Iterator[Outcome]:
    if engine == "ray":
        from nlp.batch.cluster import run_ray

        return run_ray(shards, job, written, workers, address)
    return run_local(_all_chunks(shards, job, written), job, workers)


def _all_chunks(shards: list[tuple[SourceFile, ...]], job: Job, written: set[str]) -> Iterator[Chunk]:
    for number, files in enumerate(shards):
        yield from chunks_of(number, files, job, written)


def _collect(
    outcomes: Iterator[Outcome],
    store: Store,
    options: Options,
    summary: Summary,
    max_rejects: int | None,
    watch: Watch | None,
    sink: BinaryIO | None,
) -> dict[str, str]:
    """Sums the outcomes up; gives the markers by names of chunks, with an empty one where nothing was rejected."""
    markers: dict[str, str] = {}
    positions: dict[str, int] = {}
    for outcome in outcomes:
        summary.add(outcome)
        shard = outcome.name.partition("-")[0]
        positions[shard] = max(positions.get(shard, 0), outcome.position)
        summary.position = sum(positions.values())
        markers[outcome.name] = f"{CHUNKS}/{outcome.name}-{outcome.key}.json"
        if sink:
            _pass_on(store, parts_of(outcome.name, options)[0], sink)
        if watch:
            watch(summary)
        if max_rejects is not None and summary.rejected > max_rejects:
            _write_rejects(store, markers.values())
            raise TooManyRejects(
                f"{summary.rejected} records rejected, --max-rejects allows {max_rejects}; see {store.place}/{REJECTS}. "
                "What is tagged stays: the same command with a higher limit goes on from there"
            )
    return markers


def _pass_on(store: Store, name: str, sink: BinaryIO) -> None:
    with store.open(name) as part:
        shutil.copyfileobj(part, sink)
    store.remove(name)


def _finish(store: Store, summary: Summary, markers: dict[str, str], options: Options) -> None:
    """Deletes what no chunk of this source vouches for, then writes the rejects and the summary."""
    kept = {part for name in markers for part in parts_of(name, options)} | {*markers.values(), *_OURS}
    for name in store.names() - kept:
        if _is_ours(name):
            store.remove(name)
    _write_rejects(store, markers.values())
    write(store, SUMMARY, json.dumps(summary.to_dict(), ensure_ascii=False, indent=1).encode() + b"\n")


def _write_rejects(store: Store, markers: Iterable[str]) -> None:
    """All rejects in the order of the source, from the markers."""
    with store.writing(REJECTS) as file:
        for marker in sorted(markers):
            for reject in _rejects(store.read(marker)):
                file.write(to_line(reject.to_dict()))


def _rejects(marker: bytes) -> tuple[Reject, ...]:
    return Outcome.from_json(marker, 0, reused=True).rejects
