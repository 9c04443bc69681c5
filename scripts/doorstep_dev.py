"""The developer's door: `python3 scripts/doorstep_dev.py run|test|check|…`, called by the Makefile.

Needs nothing but a Python, not even the right one: this file must still parse on old ones, so
that they get an answer instead of a syntax error. Everything else is in the modules beside it.
"""

import os
import sys

OLDEST_PYTHON = (3, 11)


def main():
    if sys.version_info < OLDEST_PYTHON:
        sys.stderr.write(
            "Doorstep needs Python 3.11 or newer; this is Python {}.{} ({}).\n"
            "  Remedy: install a newer Python (Debian, Ubuntu: apt-get install python3.11 "
            "python3.11-venv; macOS: brew install python@3.12)\n"
            "          and say which: make run PYTHON=python3.12\n".format(
                sys.version_info[0], sys.version_info[1], sys.executable
            )
        )
        return 2
    # This folder must not come first: a module here would hide a library of the same name.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    from scripts.commands import run_command

    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
