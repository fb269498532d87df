"""One long-running process: receives events, works them, and runs connectors by their schedule."""
