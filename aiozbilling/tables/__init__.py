"""Records as flat columns, with one order, name and type each for every format."""
