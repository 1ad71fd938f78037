"""Transcripts that come from elsewhere than the session itself, and where they go."""
