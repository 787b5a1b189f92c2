"""What the tests of all plugins share."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

# Caches of training images do not belong in the home of whoever runs the tests.
if "GANTRANS_CACHE" not in os.environ:
    os.environ["GANTRANS_CACHE"] = tempfile.mkdtemp(prefix="gantrans-cache-")
    atexit.register(shutil.rmtree, os.environ["GANTRANS_CACHE"], ignore_errors=True)
