"""The migrations, one file each; `rNNNN_what.py`."""
