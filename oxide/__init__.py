"""A pure-Python client for the OpenAI API."""
