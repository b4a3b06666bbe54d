"""Every text that a host's shell runs is made here, and quoted here: builders return scripts, connections run them."""
