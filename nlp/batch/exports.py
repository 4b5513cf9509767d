"""Tagged records → files that annotation tools import, as a first guess for people to correct.

doccano: JSONL of a project "intent detection and slot filling" (`text`, `entities` as [start, end, label], `cats`); further fields are
shown as metadata. Format: doccano.github.io, "Dataset import". Offsets are code points.

Label Studio: a JSON array of tasks with `data` and `predictions` (labelstud.io/guide/predictions, "Import pre-annotated data into
Label Studio"). Regions refer to the tags `label` and `topic` of the configuration that `label_config` gives. Offsets are code points.

CoNLL: a character and its BIO tag a line, divided by a tab, an empty line after each record, which begins with comments `# id = …`
and `# topic = …`. White space has no line of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from nlp.batch.records import to_line
from nlp.batch.rows import Tagged
from nlp.schema import Entity, LabelSchema

LABEL_CONFIG = "label-studio/label_config.xml"


def to_doccano(tagged: Sequence[Tagged], model: str) -> bytes:
    return b"".join(
        to_line(
            {
                "text": analysis.text,
                "entities": [[e.start, e.end, label_of(e)] for e in analysis.entities],
                "cats": [analysis.topic],
                "record_id": record.id,
                "model": model,
            }
        )
        for record, analysis in tagged
    )


def to_label_studio(tagged: Sequence[Tagged], model: str) -> bytes:
    tasks = [
        {
            "data": {"text": analysis.text, "record_id": record.id},
            "predictions": [
                {
                    "model_version": model,
                    "score": round(analysis.probability, 4),
                    "result": [
                        _choice(analysis.topic),
                        *(_region(n, e, analysis.text) for n, e in enumerate(analysis.entities)),
                    ],
                }
            ],
        }
        for record, analysis in tagged
    ]
    return json.dumps(tasks, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def to_conll(tagged: Sequence[Tagged], model: str) -> bytes:
    lines: list[str] = []
    for record, analysis in tagged:
        lines += [f"# id = {' '.join(record.id.split())}", f"# topic = {analysis.topic}", f"# model = {model}"]
        tags = ["O"] * len(analysis.text)
        for entity in analysis.entities:
            tags[entity.start : entity.end] = [f"I-{label_of(entity)}"] * (entity.end - entity.start)
            tags[entity.start] = f"B-{label_of(entity)}"
        lines += [f"{character}\t{tag}" for character, tag in zip(analysis.text, tags, strict=True) if _shows(character)]
        lines.append("")
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


WRITERS: Mapping[str, tuple[str, Callable[[Sequence[Tagged], str], bytes]]] = {
    "doccano": (".jsonl", to_doccano),
    "label-studio": (".json", to_label_studio),
    "conll": (".conll", to_conll),
}


def label_of(entity: Entity) -> str:
    """Type, and role where there is one: `region:care`."""
    return f"{entity.type}:{entity.role}" if entity.role else entity.type


def label_config(labels: LabelSchema) -> str:
    """The labelling interface of a Label Studio project that can import the tasks."""
    tags = "".join(f"    <Label value={quoteattr(tag)}/>\n" for tag in labels.tags())
    topics = "".join(f"    <Choice value={quoteattr(topic.id)} hint={quoteattr(topic.name)}/>\n" for topic in labels.topics)
    return (
        '<View>\n  <Labels name="label" toName="text">\n'
        + tags
        + '  </Labels>\n  <Text name="text" value="$text" granularity="symbol"/>\n  <Choices name="topic" toName="text" choice="single">\n'
        + topics
        + "  </Choices>\n</View>\n"
    )


def _choice(topic: str) -> dict[str, Any]:
    return {"id": "topic", "from_name": "topic", "to_name": "text", "type": "choices", "value": {"choices": [topic]}}


def _region(number: int, entity: Entity, text: str) -> dict[str, Any]:
    value = {"start": entity.start, "end": entity.end, "text": text[entity.start : entity.end], "labels": [label_of(entity)]}
    region = {"id": f"entity-{number}", "from_name": "label", "to_name": "text", "type": "labels", "value": value}
    return region if entity.probability is None else region | {"score": round(entity.probability, 4)}


def _shows(character: str) -> bool:
    return character.isprintable() and not character.isspace()
