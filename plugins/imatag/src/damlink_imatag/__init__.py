"""The place of the Imatag plugin; it is not written yet."""
