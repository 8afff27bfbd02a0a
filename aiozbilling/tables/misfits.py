"""The text column for values that do not fit into their own columns."""

__all__ = ["MISFITS", "MISFITS_MEANING"]

MISFITS = "misfits"
MISFITS_MEANING = "Exact text of the values that their columns cannot hold, a JSON object by column; else null."
