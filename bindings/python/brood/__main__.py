"""`python -m brood FILE`: run a file of tasks as a worker, for pools of other languages.

    ["python3", "-m", "brood", "tasks.py"]
"""

import os
import sys

from . import _runtime, worker

if len(sys.argv) < 2:
    raise SystemExit("usage: python3 -m brood FILE [ARGUMENT...]\n\nas the command of a brood pool's workers")
sys.argv.pop(0)
_runtime.adopt("script", os.path.abspath(sys.argv[0]), list(sys.argv))
worker._start()
try:
    worker._run_main("script", sys.argv[0])
except BaseException as error:
    worker._report_unusable(error)
worker._serve_and_exit()
