"""Finding the entries of an archive that may answer a question, and how likely each of them does."""
