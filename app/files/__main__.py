"""Looks at one file and prints what it is as JSON, under bounds that hold whatever the file does."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from app.files.aside import CPU_SECONDS, MEMORY, told


def main() -> None:
    """Bound this process, then read."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(json.dumps(told(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
