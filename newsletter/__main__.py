"""`python -m newsletter` is the same program as the `newsletter` command."""

from newsletter.cli import main

main()
