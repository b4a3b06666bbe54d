"""What tests stand on: labs and instances on this machine, an AWS that answers, the recorder of what is asked of it."""
