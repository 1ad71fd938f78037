"""Tests of the package, against real servers."""
