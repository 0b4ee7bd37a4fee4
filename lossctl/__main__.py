"""`python -m lossctl`."""

from lossctl.cli.start import main

if __name__ == "__main__":
    main()
