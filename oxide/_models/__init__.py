"""The objects of the API: records, generated from the description, and what they have in common."""
