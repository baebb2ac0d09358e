"""Models as folders of the zoo: written, read and listed."""
