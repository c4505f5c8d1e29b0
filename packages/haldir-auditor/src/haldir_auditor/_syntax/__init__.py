"""Turns text into plain values, within limits that no file can pass."""
