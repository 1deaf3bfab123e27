"""``python -m core``: the lab at the terminal."""

from core.cli.app import main

if __name__ == "__main__":
    main()
