"""What `deploy/` holds, tried without a container engine: its files, the entrypoint, and a real PostgreSQL."""
