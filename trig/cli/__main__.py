"""`python -m trig.cli` is `trig`."""

from trig.cli.main import main

if __name__ == "__main__":
    main()
