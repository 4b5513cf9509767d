"""Reading, checking and building data sets."""
