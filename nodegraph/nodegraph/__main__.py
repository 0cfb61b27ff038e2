"""`python -m nodegraph` is the command line."""

from nodegraph.cli import main

if __name__ == "__main__":
    main()
