"""The place of the Gelato plugin; it is not written yet."""
