"""The report: its figures, and its page in a real browser."""
