"""The command line. `main` turns what went wrong into a message that says what to do, and an exit status."""

from __future__ import annotations

import sys

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def main() -> None:
    """Run the command that the arguments name; exit with 0 done, 1 failed, 2 wrong usage."""
    from newsletter.cli.app import app  # noqa: PLC0415  lazy, so that `import newsletter.cli` is free
    from newsletter.errors import NewsletterError, UsageError  # noqa: PLC0415

    try:
        app()
    except NewsletterError as error:
        sys.stderr.write(f"newsletter: {error.message}\n" + (f"  → {error.hint}\n" if error.hint else ""))
        sys.exit(WRONG_USAGE if isinstance(error, UsageError) else FAILED)
    except KeyboardInterrupt:
        sys.stderr.write("newsletter: interrupted; what was recorded stays, run the command again to go on\n")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output left (`newsletter … | head`). Nothing more can be said, not even at exit.
        sys.stderr.close()
        sys.exit(FAILED)
