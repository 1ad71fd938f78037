"""Tests of the way from a parcel to every sink's confirmation."""
