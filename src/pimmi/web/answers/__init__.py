"""What the addresses under /api answer, for the description of the API; tests hold real answers against it."""
