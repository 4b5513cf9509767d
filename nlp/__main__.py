"""`python -m nlp` is the command `wenlu`."""

from nlp.cli import main

if __name__ == "__main__":
    main()
