"""The first export of a job's process: ``python -m tests.benchmarks.first_export KIND FOLDER``.

What the worker's forkserver has loaded, the collector does not look at again; what the job loads,
such as the agent's own boto3, it does.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Print its seconds."""
    kind, folder = sys.argv[1:]
    importlib.import_module("livekit.agents")
    if kind == "plugin":
        os.environ.update(ANALYTICS_S3_BUCKET="calls", ANALYTICS_LOG_GROUP="/calls")
        importlib.import_module("livekit_plugins_analytics.preload")
    gc.collect()
    gc.freeze()
    from .call import prewarmed
    from .export import exported, exported_inline

    took = exported_inline() if kind == "inline" else exported(prewarmed(Path(folder)))
    print(json.dumps(asyncio.run(took)))


if __name__ == "__main__":
    main()
