"""Licensed iStock media into a Bynder portal."""
