"""`python -m telehealth` and the `telehealth` command."""

from telehealth.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
