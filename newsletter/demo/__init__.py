"""The demo: a newsletter with five segments and sixty readers, one edition that goes out at once and one that waits."""
