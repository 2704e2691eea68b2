"""`python -m posealign` is the console script."""

from posealign.cli import main

if __name__ == "__main__":
    main()
