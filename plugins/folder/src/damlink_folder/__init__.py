"""Files of a hot folder, with their metadata, into a Bynder portal."""
