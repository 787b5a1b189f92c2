"""`python -m gantrans`."""

from gantrans.cli import main

if __name__ == "__main__":
    main()
