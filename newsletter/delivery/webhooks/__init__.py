"""What providers tell of our mail by HTTP: a signed request in, reports out.

Each module has one function that checks who speaks and raises `ForgedError` where it is not the provider. What is told
names our message by its envelope sender or Message-ID, as a bounce by mail does.
"""

from newsletter.delivery.webhooks.requests import ForgedError

__all__ = ["ForgedError"]
