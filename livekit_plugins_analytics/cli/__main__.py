"""``python -m livekit_plugins_analytics.cli``"""

from . import main

if __name__ == "__main__":  # pragma: no branch
    main()
