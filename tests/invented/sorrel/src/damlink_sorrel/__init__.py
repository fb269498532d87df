"""Tagged assets of a Bynder portal onto Sorrel's screens."""
