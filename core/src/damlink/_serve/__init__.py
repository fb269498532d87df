"""The process `damlink serve`: receives events, processes them, and runs connectors on schedule."""
