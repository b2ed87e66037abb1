"""The explorer page: its encoding, its files, and what a person sees of it in a real browser."""
