"""Tagging archives of any size: records in, tagged rows out, resumable at any moment, on one machine or on a Ray cluster."""
