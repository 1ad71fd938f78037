"""Tests of what is found in callers' words."""
