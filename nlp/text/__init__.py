"""Rules and tables for Chinese text: pure Python, no model."""

from nlp.text.normalize import NormalizedText, normalize
from nlp.text.recognize import add_values, find, read_value, read_values

__all__ = ["NormalizedText", "add_values", "find", "normalize", "read_value", "read_values"]
