"""The web pages: where the links of the mails lead, sign-up, and the archive.

Server-rendered, without cookies and without sessions: who may change a subscription is told by the signed token in the
path, which only its mail has. No address answers with a redirect. GET never changes anything; POST acts, and says so.
"""
