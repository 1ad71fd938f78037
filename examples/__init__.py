"""Calls to try and code to copy; see README.md."""
