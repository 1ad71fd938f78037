"""The package's version: the one place to change it; the build reads it here."""

__version__ = "0.1.0"
