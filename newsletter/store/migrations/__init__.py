"""Schema migrations, applied by `newsletter migrate`."""
