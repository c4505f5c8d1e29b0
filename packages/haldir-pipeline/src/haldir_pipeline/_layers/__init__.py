"""The layers: one small interface, one module for each."""
