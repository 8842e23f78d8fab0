"""Where papers come from: files and addresses whose bytes are a copied digest, Hugging Face JSON, or a feed.

`source` holds the port and its adapters, `formats.parse` turns bytes into a digest. Nothing is imported here, because
the feed parser's child process starts through this package and should start fast.
"""
