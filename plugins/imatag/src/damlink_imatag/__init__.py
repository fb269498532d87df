"""Bynder media out to Imatag to be invisibly watermarked, and back."""
