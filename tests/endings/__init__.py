"""Every ending that a call can have, produced for real, and what its record says afterwards.

``python -m tests.endings`` runs the table; `tests.endings.rows` has its rows.
"""
