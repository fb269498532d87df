"""Cleared pictures of the agency Marigold into a Bynder portal."""
