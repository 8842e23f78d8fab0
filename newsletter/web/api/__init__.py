"""The API for programs: `/api/v1`, described at `/api/openapi.json`.

Requests carry a key (`newsletter keys add`) as a bearer token; each key may do what its scopes say. Lists come in
pages, errors as RFC 9457 tells (`application/problem+json`).
"""
