"""A page on this machine to move the dials of the theses and watch an ensemble answer."""
