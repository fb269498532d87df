"""Control actions of the portal, for tests."""
