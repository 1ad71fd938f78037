"""The package's version, from its own metadata: one place to change, pyproject.toml."""

from importlib.metadata import version

__version__ = version("livekit-plugins-analytics")
