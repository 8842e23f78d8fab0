"""Self-hosted, personalised daily research papers by email."""

__version__ = "0.1.0"
