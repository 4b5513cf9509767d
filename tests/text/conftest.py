"""The first example of a property also pays for loading the packaged tables, so no example has a deadline."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("tables", deadline=None)
settings.load_profile("tables")
