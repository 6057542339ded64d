"""`python -m sglc`."""

from sglc.command.cli import main

main()
