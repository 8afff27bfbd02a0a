"""``python -m aiozbilling``: the command line."""

from __future__ import annotations

import sys

from aiozbilling.cli import main

sys.exit(main())
