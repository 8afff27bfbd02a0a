"""The three systems: endpoint tables as data, and thin typed methods."""
