"""Who gets the newsletter and what they want: sign-up, profile files, lists of subscribers, and their signed links."""
