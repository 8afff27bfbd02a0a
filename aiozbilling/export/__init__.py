"""Records as rows: one flat column order for files, tables and streams."""
