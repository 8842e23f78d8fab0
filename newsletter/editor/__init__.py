"""The editor's desk: what a mail will be, seen by the eyes of any reader, before it is sent."""
