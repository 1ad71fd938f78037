"""The collectors, fed with the framework's own events."""
