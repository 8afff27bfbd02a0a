"""The column for values that their own columns can't hold."""

__all__ = ["MISFITS", "MISFITS_MEANING"]

MISFITS = "misfits"
MISFITS_MEANING = "Exact text of the values that their columns cannot hold, a JSON object by column; else null."
