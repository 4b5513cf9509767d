"""The joint model: one encoder pass gives topic, tags and sentence vector."""
