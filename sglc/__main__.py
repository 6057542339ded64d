"""`python -m sglc`."""

from sglc.cli import main

main()
