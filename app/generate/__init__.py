"""Elections that never were: tables of any size, with the oddities of real ones."""
